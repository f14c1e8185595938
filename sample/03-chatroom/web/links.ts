import { make } from './dom.js';

/** Matches a possible link: it ends before a blank, control or quotation character. */
const CANDIDATE = /\bhttps?:\/\/[^\s<>"'`\p{Cc}\p{Cf}]+/giu;

/** Punctuation at the end of a match, which belongs to the sentence and not to the link. */
const CLOSING = /[.,:;!?…)\]}]$/u;

const PAIRS = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);

/** Maximum number of links in a message. Further ones stay text. */
const MAX_LINKS = 20;

/**
 * Converts a text to nodes: links for http and https URLs, and text nodes. The text is never parsed as HTML, and the nodes
 * together have exactly the given text.
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

/** Removes punctuation after a URL. A closing bracket stays if its opening bracket is part of the URL. */
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

/** A link must lead to the host that its text shows. A URL with a user name can look like a URL of another host. */
function isWebAddress(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return url.username === '' && url.password === '';
}

function link(address: string): HTMLAnchorElement {
  // `noopener` prevents that the opened page changes this one. `nofollow` makes link spam useless.
  const attributes = { href: address, rel: 'noopener noreferrer nofollow', target: '_blank' };
  return make('a', { text: address, attributes });
}
