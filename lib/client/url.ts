import { encodeUtf8 } from '../protocol/text.js';
import { invalidOption } from './option-rules.js';
import { globals } from './platform.js';

/** A parsed server URL. */
export interface ServerUrl {
  /** Absolute URL for the WebSocket, `ws:` or `wss:`. It may contain secrets: user name, password, a token in the query. */
  readonly href: string;
  /** Host, with the port if it is not the default one, and path. */
  readonly location: string;
  /** The URL without user name, password and query, for messages. */
  readonly shown: string;
  /** Parts of the URL, decoded, and of the headers that must not appear in messages. */
  readonly secrets: readonly string[];
}

/** Headers of the upgrade request by name. `undefined` leaves a header out. */
export type ClientHeaders = Readonly<Record<string, string | undefined>>;

/** Its groups: `s` of `wss:` or `https:` · user and `@` · host · path · query. */
const ABSOLUTE = /^(?:ws|http)(s?):\/\/([^/?#]*@)?([^/?#@]+)([^?#]*)(\?[^#]*)?(?:#.*)?$/i;

/**
 * Parses the URL of a server. In a web page it may be relative.
 * @param headers Of the upgrade request: their values are secrets, too.
 * @throws InvalidOptionError whose message does not contain secrets of the URL.
 */
export function parseServerUrl(url: unknown, headers: ClientHeaders = {}): ServerUrl {
  const text = String((Object(url) as { href?: unknown }).href ?? url);
  const [, secure = '', user = '', host, path, query = ''] = ABSOLUTE.exec(absoluteUrl(text) ?? '') ?? [];
  if (host === undefined || /^:|\s/.test(host)) {
    throw invalidOption('url', withoutSecrets(text), 'a WebSocket URL such as ws://localhost:3000/');
  }
  // Some WebSockets do not accept `http:`, the scheme of a URL that is relative to a web page.
  const scheme = `ws${secure.toLowerCase()}://`;
  const location = host.toLowerCase().replace(secure ? /:443$/ : /:80$/, '') + (path || '/');
  return {
    location,
    href: scheme + user + location + query,
    shown: scheme + location,
    secrets: [...urlSecrets(user.slice(0, -1), query), ...Object.values(headers).flatMap(headerSecrets)],
  };
}

/**
 * Resolves a relative URL. `URL` of React Native changes paths and accepts any string, so `URL` is used only if one example
 * shows that it follows the standard.
 */
function absoluteUrl(text: string): string | undefined {
  const { URL, location } = globals;
  try {
    const isStandard = !!URL && new URL('WS://A:80/b/../c?d').href === 'ws://a/c?d';
    return isStandard ? new URL(text, location?.href).href : text;
  } catch {
    return undefined;
  }
}

/** Shows only the scheme of an invalid URL with an `@`: any other part may belong to a password. */
function withoutSecrets(text: string): string {
  if (!text.includes('@')) return text.split(/[?#]/)[0]!;
  return text.replace(/^([a-z][a-z\d+.-]*:\/\/)?[^]*/i, '$1…');
}

/** Shorter values, such as the 1 of `?v=1`, are not treated as secrets: replacing them would make messages unreadable. */
const MIN_SECRET_LENGTH = 4;

function urlSecrets(user: string, query: string): string[] {
  const after = (text: string, separator: string) => text.slice(text.indexOf(separator) + 1);
  const parameters = after(query, '?');
  const values = parameters.split('&').map((parameter) => after(parameter, '='));
  return [user, after(user, ':'), parameters, ...values].map(decoded);
}

/** The value of a header, and its parts: of `Bearer x`, only `x` may be repeated by a server. */
export function headerSecrets(value: unknown): string[] {
  return [String(value), ...String(value).split(/[\s=;,]+/)].map(decoded);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The beginning of a long secret, in characters, is as secret as all of it: a server may have cut off the rest. */
const BEGINNING = 16;

/**
 * Removes secrets from a text, such as the message of an error.
 * @param others Further secrets.
 */
export function hideSecrets(text: string, url: ServerUrl, others: readonly string[] = []): string {
  const patterns = [...url.secrets, ...others]
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .sort((one, other) => other.length - one.length)
    .flatMap((secret) => {
      const all = Array.from(secret, patternOf);
      const beginning = `${all.slice(0, BEGINNING).join('')}[^\\s"'<>]*`;
      return all.length > BEGINNING ? [all.join(''), beginning] : [all.join('')];
    });
  const safe = text.replaceAll(url.href, url.shown);
  return patterns.length === 0 ? safe : safe.replace(new RegExp(patterns.join('|'), 'gi'), '…');
}

/** Matches a character of a secret, also as URLs, forms, HTML and JSON escape it. There is one way to match each text. */
function patternOf(character: string): string {
  if (/[a-z\d]/i.test(character)) return character;
  const itself = /[ +]/.test(character) ? '[ +]' : `\\${character}`;
  const bytes = encodeUtf8(character).length;
  return `(?:\\\\?${itself}|(?:%[\\da-f]{2}){${bytes}}|&#?\\w+;|\\\\u[\\da-f]{4})`;
}
