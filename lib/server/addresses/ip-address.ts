import { isIP, isIPv4 } from 'node:net';

/** An IPv4 address within an IPv6 address, as `URL` writes it (RFC 4291, section 2.5.5.2). */
const MAPPED = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/;

/** Groups of 16 bits in an IPv6 address, and in the network part of it that a provider gives to one customer. */
const GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * Brings an IP address into its only canonical form, so that addresses can be compared as text: IPv6 as in RFC 5952 and
 * without a zone, IPv4-mapped IPv6 as IPv4.
 * @returns `undefined` for a text that is not an IP address.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (isIP(text) === 0) return undefined;
  const [address] = text.split('%');
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  const [first, last] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [first >> 8, first & 0xff, last >> 8, last & 0xff].join('.');
}

/** Begins the addresses of IPv4 clients whose traffic a provider translates to IPv6 (RFC 6052). */
const TRANSLATED = '64:ff9b::';

/**
 * The network that counts as one address in limits: the first 64 bits of an IPv6 address, because providers give each
 * customer at least that many addresses; any other address itself, also one that stands for an IPv4 address.
 * @param address In canonical form.
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6 || address.startsWith(TRANSLATED)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    while (groups.length < GROUPS - last.length) groups.push('0');
  }
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`;
}
