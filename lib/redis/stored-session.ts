import { SessionError } from '../session/session-error.js';
import { copySessionInfo, type SessionInfo } from '../session/session-info.js';
import type { SessionRecord } from '../session/session.js';
import { readTimestamp } from '../session/timestamp.js';

/** Larger sessions are neither written nor read, in bytes. */
const MAX_SIZE = 1024 * 1024;

/**
 * A session in Redis, as in session files: compact JSON in this order (PROTOCOL.md, section 6).
 *
 *     {"c":"2026-11-22T08:32:02.206Z","l":"2026-11-22T09:23:39.887Z","i":{"user":"ann"}}
 *
 * @throws SessionError `SESSION_STORE_FAILED` if it would be too large to be read again.
 */
export function writeStoredSession(createdAt: Date, lastLookupAt: Date, info: SessionInfo | null): string {
  const text = JSON.stringify({ c: createdAt.toISOString(), l: lastLookupAt.toISOString(), i: info });
  const size = Buffer.byteLength(text);
  if (size <= MAX_SIZE) return text;
  throw new SessionError('SESSION_STORE_FAILED', `the session takes ${size} bytes, but may take ${MAX_SIZE} at most`);
}

/** @throws SessionError `SESSION_STORE_FAILED` if it is not a session, without quoting it: sessions are secret. */
export function readStoredSession(text: unknown): SessionRecord {
  try {
    if (typeof text !== 'string' || text.length > MAX_SIZE) throw new TypeError('too large');
    const { c, l, i = null } = JSON.parse(text) as Record<'c' | 'l' | 'i', unknown>;
    const info = i === null ? null : copySessionInfo(i as object);
    return { createdAt: readTimestamp(c), lastLookupAt: readTimestamp(l), info };
  } catch {
    throw new SessionError('SESSION_STORE_FAILED', 'what Redis has for the session is not a session');
  }
}
