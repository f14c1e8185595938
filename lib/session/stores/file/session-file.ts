import { SessionError } from '../../session-error.js';
import { copySessionInfo, type SessionInfo } from '../../session-info.js';
import type { SessionRecord } from '../../session.js';
import { readTimestamp } from '../../timestamp.js';

/** Larger session files are neither written nor read, in bytes. */
export const MAX_SESSION_FILE_SIZE = 1024 * 1024;

const EXTENSION = '.wwrsess';

/** Longest name of a file, in bytes, with the file systems of today. */
const MAX_FILE_NAME_LENGTH = 255;

/** What Windows takes for a device, whatever the extension. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;

/**
 * What a session file holds, as compact JSON in this order (PROTOCOL.md, section 6):
 *
 *     {"c":"2026-11-22T08:32:02.206Z","l":"2026-11-22T09:23:39.887Z","i":{"user":"ann"}}
 */
export interface StoredSession {
  /** When it was created: RFC 3339, kept to the last digit that its writer gave. */
  readonly c: string;
  /** When it was last looked up: RFC 3339. */
  readonly l: string;
  readonly i: SessionInfo | null;
}

/** A session file that was read. */
export interface ReadSession {
  readonly stored: StoredSession;
  readonly record: SessionRecord;
}

/**
 * The name of a session's file; `undefined` if the key is not safe as one. Without dots, slashes and what else file
 * systems give a meaning, no key can name anything else than a session file of the directory.
 */
export function sessionFileName(key: string): string | undefined {
  const name = key + EXTENSION;
  return /^[A-Za-z0-9_=-]+$/.test(key) && name.length <= MAX_FILE_NAME_LENGTH && !DEVICE.test(key) ? name : undefined;
}

/** Whether a file of the directory is a session's, by its name. */
export function isSessionFileName(name: string): boolean {
  return name.endsWith(EXTENSION) && sessionFileName(name.slice(0, -EXTENSION.length)) === name;
}

/** @throws SessionError `SESSION_STORE_FAILED` if it would be too large to be read again. */
export function writeSessionFile({ c, l, i }: StoredSession): Buffer {
  const content = Buffer.from(JSON.stringify({ c, l, i }));
  if (content.length <= MAX_SESSION_FILE_SIZE) return content;
  throw new SessionError(
    'SESSION_STORE_FAILED',
    `the session takes ${content.length} bytes, but a session file at most ${MAX_SESSION_FILE_SIZE}`,
  );
}

/**
 * Reads what any WebWire server wrote.
 * @throws SessionError `SESSION_STORE_FAILED` if it is not a session, without quoting it: sessions are secret.
 */
export function readSessionFile(content: Uint8Array): ReadSession {
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
    const { c, l, i = null } = json as Record<keyof StoredSession, unknown>;
    const createdAt = readTimestamp(c);
    const lastLookupAt = readTimestamp(l);
    const info = i === null ? null : copySessionInfo(objectOf(i));
    return { stored: { c: c as string, l: l as string, i: info }, record: { createdAt, lastLookupAt, info } };
  } catch {
    throw new SessionError('SESSION_STORE_FAILED', 'the file of the session does not hold a session');
  }
}

function objectOf(value: unknown): object {
  if (typeof value === 'object' && value !== null) return value;
  throw new TypeError('not an object');
}
