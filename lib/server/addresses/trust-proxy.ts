import { isIP } from 'node:net';
import proxyAddr from 'proxy-addr';
import { ignoreRejections } from '../../common/ignore-rejections.js';
import type { OptionRule } from '../../common/options.js';
import { isPromiseLike } from '../../protocol/promise.js';
import type { ConnectionRequest } from '../ports/transport-connection.js';
import { forwardedAddresses } from './forwarded-addresses.js';
import { canonicalAddress } from './ip-address.js';

/**
 * The proxies whose reports of addresses are believed, as in Express's setting `trust proxy`: all (`true`) or none (`false`);
 * the last ones, by their number; addresses, subnets, and the names `loopback`, `linklocal` and `uniquelocal`, in an array
 * or separated by commas; or a function that returns true for the address of a trusted proxy. It also gets the number of
 * proxies behind that one; for a peer without an address, such as one on a Unix domain socket, it gets an empty address.
 */
export type TrustProxy = boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean);

/** Decides if a proxy is trusted. */
type Trust = (address: string, hop: number) => boolean;

/** Most proxies in front of a server. Reports of further ones are not read, so that an upgrade has a bounded cost. */
const MAX_HOPS = 32;

const RANGE_NAMES: ReadonlySet<string> = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** Values of the option `trustProxy`. */
export const TRUST_PROXY_RULE: OptionRule = {
  allowed:
    'true, false, a number of proxies (no string), IP addresses, subnets such as "10.0.0.0/8", "loopback", "linklocal" or ' +
    '"uniquelocal" (in an array or separated by commas), or a function',
  accepts: (value) => {
    if (typeof value === 'boolean' || typeof value === 'function') return true;
    if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0;
    if (typeof value !== 'string' && !Array.isArray(value)) return false;
    return addressesIn(value).every(isAddressOrSubnet);
  },
};

/** Finds the IP address of a client, which may have connected through proxies. */
export class ClientAddresses {
  /** `undefined` if no proxy is trusted. */
  readonly #trust: Trust | undefined;

  constructor(trustProxy: TrustProxy) {
    this.#trust = trustOf(trustProxy);
  }

  /**
   * Goes from proxy to proxy, beginning with the peer, while they are trusted. A trusted proxy that reports no valid address
   * is the last one whose address is known.
   *
   * @returns In canonical form, unless the transport gave something else than an IP address. `undefined` if none is known.
   * @throws TypeError if the function in `trustProxy` returns a promise, which would trust every proxy; any error that the
   *   function throws.
   */
  of({ headers }: ConnectionRequest, remoteAddress: string | undefined): string | undefined {
    let address = remoteAddress === undefined ? undefined : (canonicalAddress(remoteAddress) ?? remoteAddress);
    if (!this.#trust) return address;
    let hop = 0;
    for (const reported of forwardedAddresses(headers)) {
      if (reported === undefined || hop === MAX_HOPS || !this.#trust(address ?? '', hop)) return address;
      address = reported;
      hop++;
    }
    return address;
  }
}

function trustOf(trustProxy: TrustProxy): Trust | undefined {
  if (typeof trustProxy === 'function') return (address, hop) => isTrusted(trustProxy(address, hop));
  if (typeof trustProxy === 'boolean') return trustProxy ? () => true : undefined;
  if (typeof trustProxy === 'number') return (_address, hop) => hop < trustProxy;
  return proxyAddr.compile(addressesIn(trustProxy));
}

/** As in Express, the function may return any value that is true or false as a condition. */
function isTrusted(decision: unknown): boolean {
  if (!isPromiseLike(decision)) return Boolean(decision);
  ignoreRejections(decision);
  throw new TypeError('the function of the WebWire option trustProxy returned a promise instead of a boolean');
}

function addressesIn(list: string | readonly string[]): string[] {
  return typeof list === 'string' ? list.split(',').map((entry) => entry.trim()) : [...list];
}

/** proxy-addr alone would take `'1'`, the number of proxies as environment variables have it, for the address 0.0.0.1. */
function isAddressOrSubnet(entry: unknown): boolean {
  if (typeof entry !== 'string') return false;
  if (RANGE_NAMES.has(entry)) return true;
  const [address = ''] = entry.split('/');
  if (isIP(address) === 0) return false;
  try {
    proxyAddr.compile(entry);
    return true;
  } catch {
    return false;
  }
}
