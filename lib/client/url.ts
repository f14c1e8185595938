import { encodeUtf8 } from '../protocol/text.js';
import { InvalidOptionError } from './errors.js';

/** The URL of a server. */
export interface ServerUrl {
  /** The URL to dial: `ws:` or `wss:`, absolute. It may hold secrets: a user name, a password, a token in the query. */
  readonly href: string;
  /** Host, and port if it is not the default. */
  readonly host: string;
  readonly path: string;
  /** The URL without user name, password and query, for messages. */
  readonly shown: string;
  /** Parts of the URL that must not get into messages, decoded. */
  readonly secrets: readonly string[];
}

interface PlatformGlobals {
  readonly URL?: new (url: string, base?: string) => { readonly href: string };
  readonly location?: { readonly href?: string };
}

const globals = globalThis as PlatformGlobals;

const ABSOLUTE = /^(wss?|https?):\/\/(?:([^/?#]*)@)?([^/?#@]+)([^?#]*)(\?[^#]*)?(?:#.*)?$/i;

/** Some WebSockets do not take `http:`, which the URL of a web page has. */
const WEB_SOCKET_SCHEMES: Record<string, 'ws' | 'wss'> = { ws: 'ws', wss: 'wss', http: 'ws', https: 'wss' };

const DEFAULT_PORTS = { ws: ':80', wss: ':443' };

/**
 * Reads the URL of a server. In a web page it may be relative.
 * @throws InvalidOptionError, whose message shows no secret of the URL.
 */
export function parseServerUrl(url: unknown): ServerUrl {
  const text = String(url);
  const [, scheme, user, host, path, query] = ABSOLUTE.exec(absoluteUrl(text) ?? '') ?? [];
  if (scheme === undefined || host === undefined || /^:|\s/.test(host)) {
    throw new InvalidOptionError(
      `WebWire option url is ${JSON.stringify(withoutSecrets(text))}, but must be a WebSocket URL such as ws://localhost:3000/`,
    );
  }
  const webSocketScheme = WEB_SOCKET_SCHEMES[scheme.toLowerCase()]!;
  const port = DEFAULT_PORTS[webSocketScheme];
  const lowerCaseHost = host.toLowerCase();
  const parts = {
    host: lowerCaseHost.endsWith(port) ? lowerCaseHost.slice(0, -port.length) : lowerCaseHost,
    path: path || '/',
  };
  const location = `${parts.host}${parts.path}`;
  return {
    ...parts,
    href: `${webSocketScheme}://${user === undefined ? '' : `${user}@`}${location}${query ?? ''}`,
    shown: `${webSocketScheme}://${location}`,
    secrets: secretsOf(user, query),
  };
}

/**
 * `URL` of React Native changes paths, and takes anything for a URL. So it is used only where it follows the standard, which
 * one URL shows.
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

/** Nothing of a URL that cannot be read is safe to show once it has an `@`: a password may hold any character. */
function withoutSecrets(text: string): string {
  if (!text.includes('@')) return text.split(/[?#]/)[0]!;
  const [scheme = ''] = /^[a-z][a-z\d+.-]*:\/\//i.exec(text) ?? [];
  return `${scheme}…`;
}

/** Shorter parts, such as the 1 of `?v=1`, are no secrets, and removing them would garble messages. */
const SHORTEST_SECRET = 4;

function secretsOf(user = '', query = ''): string[] {
  const [, password] = /^[^:]*:(.*)$/.exec(user) ?? [];
  const values = query
    .slice(1)
    .split('&')
    .map((parameter) => parameter.slice(parameter.indexOf('=') + 1));
  return [user, password ?? '', query.slice(1), ...values].map(decoded);
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
 * Removes the secrets of a URL from a text, such as the message of an error.
 * @param others Secrets that came in another way, such as headers.
 */
export function hideSecrets(text: string, url: ServerUrl, others: readonly string[] = []): string {
  const patterns = [...url.secrets, ...others]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
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
