import { makeCertificate } from '../../sample/05-tls/src/certificate.js';

/** A certificate for servers on this machine, and what makes clients trust it; made once per process. */
export const { ca, ...tls } = await makeCertificate();
