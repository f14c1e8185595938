import type { SessionInfo } from '../../lib/session/session-info.js';
import type { SessionConnection } from '../../lib/session/session-manager.js';
import { Session } from '../../lib/session/session.js';

/** A connection on which a session was created just now. */
export function newSession(key: string, info?: SessionInfo): SessionConnection {
  const now = new Date();
  return { id: '1', session: new Session(key, { createdAt: now, lastLookupAt: now, info }) };
}
