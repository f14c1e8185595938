import { makeCertificate } from './certificate.js';

/** A new certificate for each start of the program, in memory only. */
const { ca, key, cert } = await makeCertificate();

/** File with the certificate of the authority, for clients. */
export const authority = ca;

/** Used for `httpsOptions` before the application exists, and by `ConfigService` in the application. */
export const configuration = () => ({ tls: { key, cert } });
