import { MessageType, Payload, type PayloadEncoding, type ServerMessage } from 'nestjs-webwire/protocol';
import { MAX_SESSION_CONNECTIONS, ON_PURPOSE, type FailureKind } from '../wire.js';
import type { KnownSession } from './sessions.js';

/**
 * Returns true if a message can be the answer to a request.
 * @param signals Number of signals that the handler sent before.
 */
export type Expectation = (answer: ServerMessage, signals: number) => boolean;

/** A reply with exactly this content. */
export function expectPayload(encoding: PayloadEncoding, bytes: Uint8Array): Expectation {
  const type = {
    binary: MessageType.ReplyBinary,
    utf8: MessageType.ReplyUtf8,
    utf16: MessageType.ReplyUtf16,
  }[encoding];
  return (answer) => answer.type === type && 'payload' in answer && Buffer.compare(answer.payload, bytes) === 0;
}

export function expectText(text: string): Expectation {
  return expectPayload('utf8', Payload.utf8(text).bytes);
}

/** A string that a handler with the JSON codec returns. */
export function expectJsonText(text: string): Expectation {
  return expectText(JSON.stringify(text));
}

export const expectEmpty: Expectation = expectPayload('binary', new Uint8Array());

export const expectSessionsDisabled: Expectation = ({ type }) => type === MessageType.ReplySessionsDisabled;

const FAILURE_CODES: Readonly<Record<FailureKind, string | undefined>> = {
  'request-error': 'CHOSEN',
  'ws-exception': 'ERROR',
  'http-exception': 'BAD_REQUEST',
  error: undefined,
  rejection: undefined,
};

export const FAILURE_KINDS = Object.keys(FAILURE_CODES) as FailureKind[];

/** The failure that the handler reports, without details that it does not report. */
export function expectFailure(kind: FailureKind): Expectation {
  const code = FAILURE_CODES[kind];
  return (answer) =>
    code === undefined
      ? answer.type === MessageType.ReplyInternalError
      : answer.type === MessageType.ReplyError && answer.code === code && answer.message === ON_PURPOSE;
}

/** All signals of a handler come before its reply. */
export function expectBurst(count: number): Expectation {
  const expectCount = expectJsonText(String(count));
  return (answer, signals) => expectCount(answer, signals) && signals === count;
}

export function expectError(code: string): Expectation {
  return (answer) => answer.type === MessageType.ReplyError && answer.code === code;
}

/** The name of the user who signed in; or the error that another request signed in first on the connection. */
export function expectSignedIn(user: string): Expectation {
  const expectUser = expectText(user);
  const expectActive = expectError('SESSION_ACTIVE');
  return (answer, signals) => expectUser(answer, signals) || expectActive(answer, signals);
}

/** The session, or the reason why it cannot be restored. The valid reasons depend on its state at the request and later. */
export function expectRestored(session: KnownSession): Expectation {
  const wasGone = session.isGone;
  return (answer) => {
    switch (answer.type) {
      case MessageType.ReplyUtf8: {
        const { k, i } = new Payload('utf8', answer.payload).json<{ k: string; i: { user: string } }>();
        return !wasGone && k === session.key && i.user === session.user;
      }
      case MessageType.ReplySessionNotFound:
        return session.isEnding;
      default:
        return answer.type === MessageType.ReplyMaxSessionConnectionsReached;
    }
  };
}

/** The number of connections that had the session. If it is not 0, the session no longer exists. */
export function expectRevoked(session: KnownSession): Expectation {
  return (answer) => {
    if (answer.type !== MessageType.ReplyUtf8) return false;
    const count = Number(new Payload('utf8', answer.payload).text());
    if (count > 0) session.isGone = true;
    return count >= 0 && count <= MAX_SESSION_CONNECTIONS;
  };
}
