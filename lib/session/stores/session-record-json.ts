import { SessionError } from '../session-error.js';
import { copySessionInfo, type SessionInfo } from '../session-info.js';
import type { SessionRecord } from '../session.js';
import { readTimestamp } from '../timestamp.js';

/** The longest JSON of a session that stores write and read, in bytes of UTF-8. */
export const MAX_SESSION_JSON_SIZE = 1024 * 1024;

/**
 * A session as stores keep it: compact JSON in this order (docs/PROTOCOL.md, section 6). It does not contain the key, by
 * which the store finds it.
 *
 *     {"c":"2026-11-22T08:32:02.206Z","l":"2026-11-22T09:23:39.887Z","i":{"user":"ann"}}
 */
export interface StoredSession {
  /** When the session was created: RFC 3339, with all digits that its writer gave. */
  readonly c: string;
  /** When the session was last looked up: RFC 3339. */
  readonly l: string;
  readonly i: SessionInfo | null;
}

/** A session that was read from a store. */
export interface ReadSession {
  readonly stored: StoredSession;
  readonly record: SessionRecord;
}

/** @throws SessionError `INVALID_SESSION_INFO` if the JSON would be too long to be read again. */
export function writeSessionJson({ c, l, i }: StoredSession): string {
  const json = JSON.stringify({ c, l, i });
  const size = Buffer.byteLength(json);
  if (size <= MAX_SESSION_JSON_SIZE) return json;
  throw new SessionError(
    'INVALID_SESSION_INFO',
    `the session takes ${size} bytes, but may take ${MAX_SESSION_JSON_SIZE} at most`,
  );
}

/** @throws SessionError `INVALID_SESSION_INFO` if the JSON would be too long to be read again. */
export function writeSessionRecord({ createdAt, lastLookupAt, info }: SessionRecord): string {
  return writeSessionJson({ c: createdAt.toISOString(), l: lastLookupAt.toISOString(), i: info ?? null });
}

/**
 * Reads a session that any WebWire server wrote.
 * @throws SessionError `SESSION_STORE_FAILED` if the content is not a session. The error does not quote the content, which
 *   is secret.
 */
export function readSessionJson(content: unknown): ReadSession {
  try {
    const { c, l, i = null } = JSON.parse(textOf(content)) as Record<keyof StoredSession, unknown>;
    const createdAt = readTimestamp(c);
    const lastLookupAt = readTimestamp(l);
    const info = i === null ? null : copySessionInfo(i as object);
    return { stored: { c: c as string, l: l as string, i: info }, record: { createdAt, lastLookupAt, info } };
  } catch {
    throw new SessionError('SESSION_STORE_FAILED', 'the stored content is not a session');
  }
}

function textOf(content: unknown): string {
  const isReadable = typeof content === 'string' || content instanceof Uint8Array;
  if (!isReadable || content.length > MAX_SESSION_JSON_SIZE) throw new TypeError('not the JSON of a session');
  return typeof content === 'string' ? content : new TextDecoder('utf-8', { fatal: true }).decode(content);
}
