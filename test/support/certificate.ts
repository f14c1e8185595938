import { makeCertificate } from '../../sample/05-tls/src/certificate.js';

/** A certificate for servers on this machine, and the authority that clients have to trust; made once per process. */
export const { ca, ...tls } = await makeCertificate();
