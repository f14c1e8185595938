import { make } from './dom.js';

/** A part of a text that may be a link: up to the next blank, control or quotation character. */
const CANDIDATE = /\bhttps?:\/\/[^\s<>"'`\p{Cc}\p{Cf}]+/giu;

/** Punctuation that ends a sentence rather than a link. */
const CLOSING = /[.,:;!?…)\]}]$/u;

const PAIRS = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);

/** Further links of a message stay text. */
const MAX_LINKS = 20;

/**
 * A text as nodes: its http and https addresses are links, everything else is text. Nothing in it is read as HTML, and the
 * nodes together have exactly the text that was given.
 */
export function linkify(text: string): Node[] {
  const nodes: Node[] = [];
  let end = 0;
  let links = 0;
  for (const { 0: candidate, index } of text.matchAll(CANDIDATE)) {
    if (links === MAX_LINKS) break;
    const address = trim(candidate);
    if (!isWebAddress(address)) continue;
    links++;
    nodes.push(new Text(text.slice(end, index)), link(address));
    end = index + address.length;
  }
  nodes.push(new Text(text.slice(end)));
  return nodes;
}

/** Removes what follows an address in a sentence. A closing bracket stays if it was opened in the address. */
function trim(candidate: string): string {
  let address = candidate;
  for (let last = CLOSING.exec(address)?.[0]; last; last = CLOSING.exec(address)?.[0]) {
    const opening = PAIRS.get(last);
    if (opening !== undefined && count(address, opening) >= count(address, last)) break;
    address = address.slice(0, -last.length);
  }
  return address;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** A link must lead to where its text says: an address with a user name only looks like one of another host. */
function isWebAddress(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return url.username === '' && url.password === '';
}

function link(address: string): HTMLAnchorElement {
  // Without `noopener` the page that opens could change this one; without `nofollow` links would be worth posting.
  const attributes = { href: address, rel: 'noopener noreferrer nofollow', target: '_blank' };
  return make('a', { text: address, attributes });
}
