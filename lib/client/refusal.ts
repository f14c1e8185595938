import type { WebSocketLike } from './platform.js';

/** The HTTP response of a server that refused the upgrade. */
export interface Refusal {
  readonly status: number;
  /** Reason phrase, such as `Unauthorized`; may be empty. */
  readonly statusText: string;
  /** The beginning of the body; may be empty. */
  readonly body: string;
  /** Values of request headers, which the body may repeat and no message may show. */
  readonly secrets: readonly string[];
}

/** No more of a body is read, in characters. */
const MAX_BODY_LENGTH = 1_024;

/** A body is not waited for longer, in milliseconds. */
const BODY_TIMEOUT = 1_000;

/** A WebSocket of the package `ws`, as far as it is used: only this one shows HTTP responses. */
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

/** Calls a listener if the server refuses the upgrade, where the WebSocket shows HTTP responses. */
export function watchRefusals(socket: WebSocketLike, listener: (refusal: Refusal) => void): void {
  const { on } = socket as Partial<NodeWebSocket>;
  // The `ws` of Bun has no such event, and prints a warning. Its errors name the status.
  if (typeof on !== 'function' || 'Bun' in globalThis) return;
  (socket as WebSocketLike & NodeWebSocket).on('unexpected-response', (request, response) => {
    let body = '';
    const finish = () => {
      clearTimeout(timer);
      const { statusCode: status, statusMessage: statusText = '' } = response;
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

/** Errors of `ws`, Bun and Deno name the status: "Unexpected server response: 401". `HandshakeRejection` has it. */
export function refusalOf(error: unknown): Refusal | undefined {
  const { message, status } = (error ?? {}) as { message?: unknown; status?: unknown };
  if (typeof status === 'number') return { status, statusText: '', body: String(message), secrets: [] };
  const [, found] = /(?:server response|status code):? (\d{3})\b/i.exec(String(message)) ?? [];
  return found === undefined ? undefined : { status: Number(found), statusText: '', body: '', secrets: [] };
}

/** Headers that every upgrade has. */
const COMMON_HEADERS = /^(host|connection|upgrade|sec-websocket-(key|version|extensions))$/i;

function secretsOf(request: NodeRequest): string[] {
  const headers = Object.entries(request.getHeaders?.() ?? {});
  return headers
    .filter(([name]) => !COMMON_HEADERS.test(name))
    .flatMap(([, value]) => [String(value), ...String(value).split(/[\s=;,]+/)]);
}
