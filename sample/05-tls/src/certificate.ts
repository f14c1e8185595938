import { generate } from 'selfsigned';

/** What a server shows to its clients, and what they check it with: all in PEM. */
export interface Certificate {
  /** The server's secret. */
  readonly key: string;
  /** Of the server, signed by the authority. */
  readonly cert: string;
  /** Of the authority: clients that trust it trust the server. */
  readonly ca: string;
}

/**
 * Makes a certificate for this machine, and an authority that signs it and nothing else ever again: its key is forgotten.
 * A server on the Internet gets its certificate from an authority that everybody trusts, and reads it from files.
 */
export async function makeCertificate(): Promise<Certificate> {
  const authority = await generate([{ name: 'commonName', value: 'WebWire sample authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { key: server.private, cert: server.cert, ca: authority.cert };
}
