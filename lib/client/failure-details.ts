import type { WebSocketLike } from './platform.js';
import { printable, quote } from './quote.js';
import { headerSecrets, hideSecrets, type ServerUrl } from './url.js';

// Details of failures that browsers do not expose. Bundles for browsers contain `failure-details.browser.ts` in its place, because
// the field `browser` of package.json says so.

/** The HTTP response of a server that rejected the upgrade. */
export interface UpgradeRejection {
  readonly status: number;
  /** Reason phrase, such as `Unauthorized`; may be empty. */
  readonly statusText?: string | undefined;
  /** The beginning of the body; may be empty. */
  readonly body?: string;
  /** Values of request headers: the body may contain them, but messages must not. */
  readonly secrets?: readonly string[];
}

/** Longest part of a body that is read, in characters. */
const MAX_BODY_LENGTH = 1_024;

/** Timeout for reading a body, in milliseconds. */
const BODY_TIMEOUT = 1_000;

/** The event of a WebSocket of the package `ws` with the HTTP response. Other WebSockets do not expose it. */
interface NodeWebSocket {
  on(event: 'unexpected-response', listener: (request: NodeRequest, response: NodeResponse) => void): void;
}

interface NodeRequest {
  getHeaders?(): Record<string, unknown>;
}

interface NodeResponse {
  readonly statusCode: number;
  readonly statusMessage?: string;
  setEncoding(encoding: 'utf8'): void;
  on(event: 'data' | 'end' | 'error' | 'close', listener: (chunk: string) => void): void;
}

/** Calls a listener if the server rejects the upgrade and the WebSocket exposes the HTTP response. */
export function onUpgradeRejected(socket: WebSocketLike, listener: (rejection: UpgradeRejection) => void): void {
  const { on } = socket as Partial<NodeWebSocket>;
  if (typeof on !== 'function') return;
  (socket as WebSocketLike & NodeWebSocket).on('unexpected-response', (request, response) => {
    let body = '';
    const finish = () => {
      clearTimeout(timer);
      const { statusCode: status, statusMessage: statusText } = response;
      listener({ status, statusText, body: body.slice(0, MAX_BODY_LENGTH), secrets: secretsOf(request) });
    };
    const timer = setTimeout(finish, BODY_TIMEOUT);
    response.setEncoding('utf8');
    response.on('data', (chunk) => {
      body += chunk;
      if (body.length >= MAX_BODY_LENGTH) finish();
    });
    for (const event of ['end', 'error', 'close'] as const) response.on(event, finish);
  });
}

/**
 * The HTTP status in the messages of the package `ws` ("Unexpected server response: 401"), Bun ("Expected 101 status code: 401"), Deno
 * ("Invalid status code: 401"), and React Native on iOS ("Received bad response code from server: 401.") and Android ("Expected
 * HTTP 101 response but was '401 Unauthorized'").
 */
const STATUS_IN_MESSAGE =
  /(?:server response|status code|response code from server|101 response but was):? '?(\d{3})\b/i;

/** Reads the HTTP status from an error of a WebSocket. `HandshakeRejection` of a `MemoryTransport` has it as a property. */
export function rejectionFrom(error: unknown): UpgradeRejection | undefined {
  const { message, status } = (error ?? {}) as { message?: unknown; status?: unknown };
  if (typeof status === 'number') return { status, body: String(message) };
  const [, found] = STATUS_IN_MESSAGE.exec(String(message)) ?? [];
  return found === undefined ? undefined : { status: Number(found) };
}

/** Statuses of HTTP servers that have no WebSocket at this path. */
const NOT_FOUND_STATUSES = new Set([200, 301, 302, 307, 308, 400, 404, 405, 426]);

/** Explains why an attempt to connect failed, if the server rejected the upgrade. */
export function explainRejection(rejection: UpgradeRejection | undefined, url: ServerUrl): string | undefined {
  if (!rejection) return undefined;
  const { status, statusText = '', body = '', secrets } = rejection;
  const quoted = body === '' ? '' : `: ${quote(hideSecrets(body, url, secrets))}`;
  const hint = NOT_FOUND_STATUSES.has(status) ? '; is there a WebWire server at this path?' : '';
  const phrase = printable(hideSecrets(statusText, url, secrets));
  return `the server answered HTTP ${`${status} ${phrase}`.trimEnd()}${quoted}${hint}`;
}

/** Prefixes of the codes of TLS errors. */
const TLS_CODE = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|ERR_TLS_|ERR_SSL_|EPROTO)/;

/**
 * Explains an error code of Node.js.
 * @param said The quoted message of the error.
 */
export function explainCode(code: string, said: string): string | undefined {
  if (code === 'ECONNREFUSED') return 'nothing accepts connections there (ECONNREFUSED)';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the host name was not found (${code})`;
  if (code === 'ECONNRESET') return 'the server hung up (ECONNRESET)';
  if (TLS_CODE.test(code)) return `TLS failed (${code}): ${said}`;
  return code.startsWith('HPE_') ? `the server does not speak HTTP (${code})` : undefined;
}

/** Headers of every upgrade request. */
const COMMON_HEADERS = /^(host|connection|upgrade|sec-websocket-(key|version|extensions))$/i;

function secretsOf(request: NodeRequest): string[] {
  const headers = Object.entries(request.getHeaders?.() ?? {});
  return headers.filter(([name]) => !COMMON_HEADERS.test(name)).flatMap(([, value]) => headerSecrets(value));
}
