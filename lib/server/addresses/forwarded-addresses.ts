import type { IncomingHttpHeaders } from 'node:http';
import { canonicalAddress } from './ip-address.js';

/** A `token=value` pair of a `Forwarded` element, and the semicolon after it (RFC 7239, section 4). */
const PAIR = /[ \t]*([!#$%&'*+.^_`|~\da-z-]+)=("(?:[^"\\]|\\.)*"|[^\s",;]*)[ \t]*(?:;|$)/iy;

/** An address with a port, or an IPv6 address in brackets (RFC 7239, section 6). */
const WITH_PORT = /^(?:\[([\da-f.:]+)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]{1,64}))?$/i;

/**
 * The addresses that proxies have reported, the last proxy's first. It reads from the end, because proxies append to the
 * header that they receive, so that whatever stands before their own part may be forged. It reads no more than is asked for.
 *
 * As in Express, `X-Forwarded-For` counts. Only without it, `Forwarded` does: the proxies that append to the one usually pass
 * the other on as the client sent it.
 *
 * @returns `undefined` for a report that is not an address, such as `unknown`.
 */
export function* forwardedAddresses(headers: IncomingHttpHeaders): Generator<string | undefined, void> {
  const list = joined(headers['x-forwarded-for']);
  if (list !== undefined) {
    for (const entry of fromTheEnd(list, false)) yield nodeAddress(entry);
    return;
  }
  for (const element of fromTheEnd(joined(headers.forwarded) ?? '', true)) yield forwardedFor(element);
}

/** Transports other than HTTP servers may have several values. */
function joined(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' || value === undefined ? value : value.join(',');
}

/**
 * Splits a list at its commas, beginning with the last element. A quoted string is skipped from its end, so that a quote that
 * a client has left open does not swallow the elements of the proxies behind it.
 */
function* fromTheEnd(list: string, hasQuotes: boolean): Generator<string, void> {
  if (list === '') return;
  let end = list.length;
  for (let at = end - 1; at >= 0; at--) {
    if (list[at] === ',') {
      yield list.slice(at + 1, end).trim();
      end = at;
    } else if (hasQuotes && list[at] === '"') {
      at = openingQuote(list, at);
    }
  }
  yield list.slice(0, end).trim();
}

/** Offset of the quote that begins the quoted string which ends at `closing`; −1 if there is none. */
function openingQuote(text: string, closing: number): number {
  for (let at = closing - 1; at >= 0; at--) {
    if (text[at] !== '"') continue;
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes++;
    // After an odd number of slashes, the quote is a character of the string.
    if (slashes % 2 === 0) return at;
  }
  return -1;
}

/** The address in the parameter `for` of a `Forwarded` element. */
function forwardedFor(element: string): string | undefined {
  let node: string | undefined;
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < element.length) {
    const [, name, value] = PAIR.exec(element) ?? [];
    if (name === undefined || value === undefined) return undefined;
    if (name.toLowerCase() !== 'for') continue;
    if (node !== undefined) return undefined;
    node = value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value;
  }
  return node === undefined ? undefined : nodeAddress(node);
}

function nodeAddress(node: string): string | undefined {
  const address = canonicalAddress(node);
  if (address !== undefined) return address;
  const [, bracketed, ipv4] = WITH_PORT.exec(node) ?? [];
  return bracketed?.includes(':') || ipv4 ? canonicalAddress((bracketed ?? ipv4)!) : undefined;
}
