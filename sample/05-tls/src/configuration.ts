import { makeCertificate } from './certificate.js';

/** Made anew each time the program starts, and kept in memory. */
const { ca, key, cert } = await makeCertificate();

/** What clients are to trust. */
export const authority = ca;

/** For `httpsOptions`, which are needed before there is an application, and for everything in it by `ConfigService`. */
export const configuration = () => ({ tls: { key, cert } });
