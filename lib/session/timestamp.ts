import { SessionError } from './session-error.js';

/** RFC 3339, with up to nine fraction digits: date · time · fraction · zone. */
const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;

/** The first and the last millisecond that RFC 3339 can express in UTC. */
const FIRST = Date.parse('0000-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Reads an RFC 3339 time, as in sessions of any WebWire server (docs/PROTOCOL.md, section 6). Digits below a millisecond
 * are cut off.
 * @throws SessionError `INVALID_SESSION_INFO` if the text is not such a time.
 */
export function readTimestamp(text: unknown): Date {
  const parts = typeof text === 'string' ? RFC_3339.exec(text) : null;
  const time = parts
    ? Date.parse(`${parts[1]}T${parts[2]}.${(parts[3] ?? '').slice(0, 3).padEnd(3, '0')}${parts[4]!.toUpperCase()}`)
    : Number.NaN;
  // `Date.parse()` reads 30 February as 1 March, and 24:00 as the next day.
  const isReal =
    parts !== null && new Date(`${parts[1]}T00:00:00Z`).toJSON()?.startsWith(parts[1]!) && parts[2]! < '24';
  if (Number.isNaN(time) || !isReal)
    throw new SessionError('INVALID_SESSION_INFO', 'a time of the session is not RFC 3339');
  return new Date(time);
}

/**
 * @returns The date in milliseconds since 1970.
 * @throws SessionError `INVALID_SESSION_INFO` if it is not a date, or one that RFC 3339 cannot express.
 */
export function checkTimestamp(name: string, date: unknown): number {
  const time = date instanceof Date ? date.getTime() : Number.NaN;
  if (Number.isNaN(time)) throw new SessionError('INVALID_SESSION_INFO', `session ${name} is not a valid Date`);
  if (time < FIRST || time > LAST) {
    throw new SessionError('INVALID_SESSION_INFO', `session ${name} is not in the years 0 to 9999, as RFC 3339 has it`);
  }
  return time;
}
