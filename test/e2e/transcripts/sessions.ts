import { expect } from 'vitest';

/** A session as it is sent. */
interface WireSession {
  readonly k: string;
  readonly c: string;
  readonly l: string;
  readonly i: unknown;
}

/** A moment between two times, in milliseconds. */
interface Moment {
  readonly from: number;
  readonly to: number;
}

interface Counterpart {
  readonly key: string;
  readonly createdAt: string;
  /** The last lookup so far; the creation, if there was none. */
  lastLookup: Moment;
  /** Time of the last restore request, in milliseconds. */
  askedAt: number;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

const SESSION_CREATED = '15';
const REPLY_UTF8 = 'c0';
const RESTORE_SESSION = '20';

/** Maps recorded sessions to actual ones, as session keys and times differ in each run. */
export class Sessions {
  readonly startedAt = Date.now();
  /** The actual sessions by recorded key. */
  readonly counterparts = new Map<string, Counterpart>();

  /** The actual key of each session so far, in the order of creation. */
  get keys(): string[] {
    return [...this.counterparts.values()].map(({ key }) => key);
  }

  /** Replaces the recorded session key in a message of the client by the actual one. */
  translate(hex: string): string {
    const counterpart = hex.startsWith(RESTORE_SESSION) ? this.counterparts.get(text(hex.slice(18))) : undefined;
    if (!counterpart) return hex;
    counterpart.askedAt = Date.now();
    return hex.slice(0, 18) + Buffer.from(counterpart.key).toString('hex');
  }
}

/** Expects the answer of the reference: a session member by member, any other message byte by byte. */
export function expectSame(sessions: Sessions, received: string, recorded: string): void {
  const start = startOfSession(recorded);
  if (start === undefined) {
    expect(received).toBe(recorded);
    return;
  }
  expect(received.slice(0, start)).toBe(recorded.slice(0, start));
  const [ours, theirs] = [readSession(received.slice(start)), readSession(recorded.slice(start))];
  expect(ours.i).toEqual(theirs.i);
  if (recorded.startsWith(SESSION_CREATED)) expectCreated(sessions, ours, theirs.k);
  else expectRestored(sessions, ours, theirs.k);
}

function expectCreated(sessions: Sessions, { k: key, c: createdAt, l: lastLookupAt }: WireSession, recorded: string) {
  const time = Date.parse(createdAt);
  expect(sessions.keys).not.toContain(key);
  expect(lastLookupAt).toBe(createdAt);
  expectWithin(time, { from: sessions.startedAt, to: Date.now() });
  sessions.counterparts.set(recorded, { key, createdAt, lastLookup: { from: time, to: time }, askedAt: time });
}

/** A restored session has the time of the lookup before this one. */
function expectRestored(sessions: Sessions, { k: key, c: createdAt, l: lastLookupAt }: WireSession, recorded: string) {
  const counterpart = sessions.counterparts.get(recorded)!;
  expect({ key, createdAt }).toEqual({ key: counterpart.key, createdAt: counterpart.createdAt });
  expectWithin(Date.parse(lastLookupAt), counterpart.lastLookup);
  counterpart.lastLookup = { from: counterpart.askedAt, to: Date.now() };
}

/** The position of the JSON of a session in a message, in hexadecimal digits; `undefined` if there is none. */
function startOfSession(hex: string): number | undefined {
  if (hex.startsWith(SESSION_CREATED)) return 2;
  return hex.startsWith(REPLY_UTF8) && text(hex.slice(18)).startsWith('{"k":') ? 18 : undefined;
}

function readSession(hex: string): WireSession {
  const session = JSON.parse(text(hex)) as WireSession;
  expect(Object.keys(session)).toEqual(['k', 'c', 'l', 'i']);
  expect([session.c, session.l]).toEqual([expect.stringMatching(RFC_3339), expect.stringMatching(RFC_3339)]);
  return session;
}

function expectWithin(time: number, { from, to }: Moment): void {
  expect(time).toBeGreaterThanOrEqual(from);
  expect(time).toBeLessThanOrEqual(to);
}

function text(hex: string): string {
  return Buffer.from(hex, 'hex').toString();
}
