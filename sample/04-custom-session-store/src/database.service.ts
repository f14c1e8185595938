import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import sqlite, { type BindValues, type Database, type QueryResult } from 'node-sqlite3-wasm';

/** Injection token of the path of the database file. */
export const DATABASE_FILE = Symbol('DATABASE_FILE');

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (
    key_hash           BLOB    PRIMARY KEY, -- SHA-256 of the session key
    created_at         INTEGER NOT NULL,    -- times in ms since 1970
    last_lookup_at     INTEGER NOT NULL,
    previous_lookup_at INTEGER,
    info               TEXT                 -- JSON
  ) STRICT, WITHOUT ROWID
`;

/** The database of the application. This sample uses SQLite, a file for one process; any other database works, too. */
@Injectable()
export class DatabaseService implements OnModuleDestroy {
  private readonly database: Database;

  constructor(@Inject(DATABASE_FILE) file: string) {
    this.database = new sqlite.Database(file);
    this.database.exec(SCHEMA);
  }

  /** Returns the first row of a query, if there is one. */
  get(sql: string, values: BindValues): QueryResult | null {
    return this.database.get(sql, values);
  }

  run(sql: string, values: BindValues): void {
    this.database.run(sql, values);
  }

  /** Nest calls this after handlers have finished and connections are closed. */
  onModuleDestroy() {
    this.database.close();
  }
}
