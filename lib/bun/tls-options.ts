import type { TlsOptions } from 'node:tls';
import { InvalidOptionError } from '../common/options.js';
import type { BunTlsOptions } from './bun-api.js';

/** Options of Node's TLS server that Bun has under the same name. */
const SUPPORTED: ReadonlySet<string> = new Set([
  'ca',
  'cert',
  'ciphers',
  'key',
  'passphrase',
  'rejectUnauthorized',
  'requestCert',
  'secureOptions',
] satisfies (keyof TlsOptions)[]);

/** @throws InvalidOptionError if Bun has no such option: it would ignore it. */
export function toBunTls(tls: TlsOptions | undefined): BunTlsOptions | undefined {
  for (const name of Object.keys(tls ?? {})) {
    if (SUPPORTED.has(name)) continue;
    throw new InvalidOptionError(
      `BunTransport does not support the WebWire option tls.${name}; there are: ${[...SUPPORTED].join(', ')}`,
    );
  }
  // The default of Node.js, without which Bun accepts clients that show no certificate.
  return tls && { rejectUnauthorized: true, ...tls };
}
