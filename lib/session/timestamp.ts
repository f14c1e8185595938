import { SessionError } from './session-error.js';

/** RFC 3339, with up to nine fraction digits: date · time · fraction · zone. */
const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Reads an RFC 3339 time, as in sessions of any WebWire server (PROTOCOL.md, section 6). What is finer than a
 * millisecond is cut off.
 * @throws SessionError `INVALID_SESSION_INFO` if it is none.
 */
export function readTimestamp(text: unknown): Date {
  const parts = typeof text === 'string' ? RFC_3339.exec(text) : null;
  const time = parts
    ? Date.parse(`${parts[1]}T${parts[2]}.${(parts[3] ?? '').slice(0, 3).padEnd(3, '0')}${parts[4]!.toUpperCase()}`)
    : Number.NaN;
  // What is no day of the calendar, or no time of the day, would be read as another.
  const isReal =
    parts !== null && new Date(`${parts[1]}T00:00:00Z`).toJSON()?.startsWith(parts[1]!) && parts[2]! < '24';
  if (Number.isNaN(time) || !isReal)
    throw new SessionError('INVALID_SESSION_INFO', 'a time of the session is not RFC 3339');
  return new Date(time);
}

/** @throws SessionError `INVALID_SESSION_INFO` if it is not a valid date. */
export function parseTimestamp(name: string, date: unknown): number {
  const time = date instanceof Date ? date.getTime() : Number.NaN;
  if (Number.isNaN(time)) throw new SessionError('INVALID_SESSION_INFO', `session ${name} is not a valid Date`);
  return time;
}
