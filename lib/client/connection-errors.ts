import { ProtocolError } from '../protocol/index.js';
import { detailsOf } from './error-details.js';
import { DialTimeoutError, DisconnectedError } from './errors.js';
import { explainCode, explainRejection } from './failure-details.js';
import { quote } from './quote.js';
import { hideSecrets, type ServerUrl } from './url.js';
import type { SocketEnd } from './web-socket.js';

// Messages of connection errors contain the URL, the duration and the reason, but no secrets.

const UNKNOWN_CAUSE = 'the platform does not say why; the server may be unreachable, or its certificate untrusted';

/** For an attempt that failed: the constructor of the WebSocket threw, or the WebSocket ended before the first message. */
export function couldNotConnect(
  url: ServerUrl,
  elapsed: number,
  { code, reason: said, cause, rejection }: SocketEnd,
  wasOpened: boolean,
): DisconnectedError {
  const reason = hideSecrets(said, url);
  const why =
    explainRejection(rejection, url) ??
    (wasOpened
      ? `the server closed the WebSocket (${closing(code, reason)}) without the first message of a WebWire server`
      : explain(cause, url));
  return new DisconnectedError(`could not connect to ${url.shown} (after ${time(elapsed)}): ${why}`, code, reason, {
    cause: safeCause(cause, url),
    status: rejection?.status,
  });
}

/** For an attempt that failed because of a function of the application. The cause is the error of the function. */
export function notPrepared(url: ServerUrl, elapsed: number, error: unknown): DisconnectedError {
  const { cause = error } = Object(error) as { cause?: unknown };
  return new DisconnectedError(
    `could not connect to ${url.shown} (after ${time(elapsed)}): ${hideSecrets(detailsOf(error).message, url)}`,
    undefined,
    '',
    { cause },
  );
}

/** For a connection that was in use. */
export function connectionEnded(
  url: ServerUrl,
  elapsed: number,
  { code, reason: said, cause }: SocketEnd,
  isClosedByClient: boolean,
): DisconnectedError {
  const reason = hideSecrets(said, url);
  const why = cause === undefined ? '' : `: ${explain(cause, url)}`;
  const verb = isClosedByClient ? 'closed' : 'lost';
  const message = `${verb} the connection to ${url.shown} after ${time(elapsed)}, close code ${closing(code, reason)}${why}`;
  return new DisconnectedError(message, code, reason, { cause: safeCause(cause, url) });
}

/** @param reason Says what did not happen in time. */
export function dialTimeout(url: ServerUrl, elapsed: number, reason: string): DialTimeoutError {
  return new DialTimeoutError(`could not connect to ${url.shown} within ${time(elapsed)}: ${reason}`);
}

/** For a connection on which nothing arrives any more, although the server was probed. */
export function unresponsive(url: ServerUrl, elapsed: number): DisconnectedError {
  return new DisconnectedError(
    `lost the connection to ${url.shown} after ${time(elapsed)}: the server does not respond`,
  );
}

/** For a first message that is not one of a WebWire server. The error has the code and close code of the violation. */
export function notWebwire(url: ServerUrl, error: ProtocolError, message: Uint8Array | string): ProtocolError {
  const isSocketIo = typeof message === 'string' && message.startsWith('0{"sid"');
  const kind = typeof message === 'string' ? `text, ${quote(hideSecrets(message, url))}` : `of another kind`;
  const hint = isSocketIo ? '; it seems to be a socket.io server' : '';
  return new ProtocolError(
    error.code,
    `${url.shown} is not a WebWire server: its first message is ${kind} (${error.message})${hint}`,
    error.offset,
  );
}

function explain(cause: unknown, url: ServerUrl): string {
  if (cause === undefined) return UNKNOWN_CAUSE;
  const { code, message } = detailsOf(cause);
  const said = quote(hideSecrets(message, url));
  const shown = code === '' || message.includes(code) ? said : `${said} (${code})`;
  return explainCode(code, said) ?? shown;
}

/**
 * Returns the cause itself or, if the URL or the headers have secrets, a copy of its name, code and message without them: other properties and
 * nested errors may contain the URL, too.
 */
function safeCause(cause: unknown, url: ServerUrl): unknown {
  if (cause === undefined || url.secrets.join('') === '') return cause;
  const { name, code, message } = detailsOf(cause);
  const copy = new Error(hideSecrets(message, url));
  copy.name = name;
  return code === '' ? copy : Object.assign(copy, { code });
}

function closing(code: number, reason: string): string {
  return reason === '' ? String(code) : `${code} ${quote(reason)}`;
}

function time(milliseconds: number): string {
  return milliseconds < 10_000 ? `${Math.round(milliseconds)} ms` : `${Math.round(milliseconds / 1_000)} s`;
}
