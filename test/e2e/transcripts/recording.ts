import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../fixtures/vectors/transcripts/', import.meta.url);

/** One step of a recorded conversation: a whole message, or the end of a connection. */
export interface Step {
  /** Its position among the steps of all connections. */
  readonly n: number;
  /** Time since the start of the recording, in milliseconds. */
  readonly t_ms: number;
  readonly dir: 'c2s' | 's2c';
  /** The message. */
  readonly hex?: string;
  /** Kind of frame, if not binary. */
  readonly op?: 'text' | 'ping' | 'pong';
  /** Number of frames of the message, if more than one. */
  readonly frames?: number;
  /** Close code. */
  readonly close?: number;
}

export interface RecordedConnection {
  readonly client: string;
  readonly steps: readonly Step[];
}

/** A conversation with the reference, as `test/fixtures/vectors/README.md` explains it. */
export interface Recording {
  readonly about: string;
  readonly connections: readonly RecordedConnection[];
}

/** The names of all recordings, sorted. */
export function recordingNames(): string[] {
  return readdirSync(FOLDER)
    .map((file) => file.replace(/\.json$/, ''))
    .sort();
}

export function readRecording(name: string): Recording {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as Recording;
}

/** The steps of all connections, in the order of time. */
export function timeline({ connections }: Recording): { connection: RecordedConnection; step: Step }[] {
  return connections
    .flatMap((connection) => connection.steps.map((step) => ({ connection, step })))
    .sort((a, b) => a.step.n - b.step.n);
}

/**
 * Identifier and name of a request, `undefined` for any other message of a client:
 *
 *     0x7f…0x81 · id(8) · nameLength(1) · name · …
 */
export function readRequest(hex: string): { id: string; name: string } | undefined {
  const bytes = Buffer.from(hex, 'hex');
  const type = bytes[0];
  if (type === undefined || type < 0x7f || type > 0x81 || bytes.length < 10) return undefined;
  return { id: hex.slice(2, 18), name: bytes.toString('latin1', 10, 10 + bytes[9]!) };
}

/**
 * Identifier of the request that a message of the server answers, `undefined` if it answers none:
 *
 *     0x00…0x05 or 0xbf…0xc1 · id(8) · …
 */
export function readAnsweredId(hex: string): string | undefined {
  const type = Number.parseInt(hex.slice(0, 2), 16);
  const isReply = type <= 0x05 || (type >= 0xbf && type <= 0xc1);
  return isReply ? hex.slice(2, 18) : undefined;
}

/** True if a client had several requests in flight at once, whose replies may come in any order. */
export function isConcurrent({ steps }: RecordedConnection): boolean {
  const inFlight = new Set<string>();
  return steps.some(({ dir, hex }) => {
    if (hex === undefined) return false;
    if (dir === 's2c') inFlight.delete(readAnsweredId(hex) ?? '');
    else inFlight.add(readRequest(hex)?.id ?? '');
    inFlight.delete('');
    return inFlight.size > 1;
  });
}
