import { makeCertificate } from '../../sample/05-tls/src/certificate.js';

/** For servers on this machine, made once per process. */
export const { key, cert, ca } = await makeCertificate();
