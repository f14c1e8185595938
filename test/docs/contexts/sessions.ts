// docs/sessions.md
import { Injectable } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  RequestError,
  SessionManager,
  WebwireConnection,
  WebwireModule,
  WebwireRequest,
  type SessionInfo,
  type SessionRecord,
} from 'nestjs-webwire';

class Gateway {
  private readonly users = { verify: async (credentials: string) => ({ name: credentials }) };

  // block 1
}

interface Row {
  readonly createdAt: Date;
  readonly previousLookupAt: Date;
  readonly info: SessionInfo | null;
}
declare class Database {
  insert(key: string, createdAt: Date, info: unknown): Promise<void>;
  findAndTouch(key: string): Promise<Row | null>;
  delete(key: string): Promise<void>;
}
declare class DatabaseModule {}

// block 2
