import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { SessionManager, type SessionConnection, type SessionRecord } from 'nestjs-webwire';
import { DatabaseService } from './database.service.js';

/** Stores sessions in the database, so that clients can restore them after a restart of the server. */
@Injectable()
export class SqlSessionManager extends SessionManager {
  constructor(private readonly database: DatabaseService) {
    super();
  }

  onSessionCreated(connection: SessionConnection): void {
    const { key, createdAt, lastLookupAt, info } = connection.session!;
    this.database.run('INSERT INTO sessions (key_hash, created_at, last_lookup_at, info) VALUES (?, ?, ?, ?)', [
      hash(key),
      createdAt.getTime(),
      lastLookupAt.getTime(),
      info ? JSON.stringify(info) : null,
    ]);
  }

  /** Sets the time of the lookup and returns the previous one. One statement does both, so it is atomic. */
  onSessionLookup(key: string): SessionRecord | null {
    const row = this.database.get(
      `UPDATE sessions SET previous_lookup_at = last_lookup_at, last_lookup_at = ? WHERE key_hash = ?
       RETURNING created_at, previous_lookup_at, info`,
      [Date.now(), hash(key)],
    ) as { created_at: number; previous_lookup_at: number; info: string | null } | null;
    return (
      row && {
        createdAt: new Date(row.created_at),
        lastLookupAt: new Date(row.previous_lookup_at),
        info: row.info === null ? null : (JSON.parse(row.info) as SessionRecord['info']),
      }
    );
  }

  onSessionClosed(key: string): void {
    this.database.run('DELETE FROM sessions WHERE key_hash = ?', [hash(key)]);
  }
}

/**
 * Anybody with the key can take over a session, so the database contains only hashes of keys. Keys are
 * long and random, so unlike passwords they need neither salt nor a slow hash.
 */
function hash(key: string): Uint8Array {
  return createHash('sha256').update(key).digest();
}
