import { generate } from 'selfsigned';

/** The certificate of a server, its key and its authority, in PEM. */
export interface Certificate {
  /** Private key of the server. */
  readonly key: string;
  /** Certificate of the server, signed by the authority. */
  readonly cert: string;
  /** Certificate of the authority. Clients that trust it trust the server. */
  readonly ca: string;
}

/**
 * Makes a certificate for this machine, and an authority that signs it. The key of the authority is not stored.
 * A server on the Internet uses a certificate of a public authority, and reads it from files.
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
