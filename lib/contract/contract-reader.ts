import { ContractError } from './contract-error.js';
import type { ContractEntry } from './entries.js';
import type { OptionalSchema, SchemaResult } from './standard-schema.js';
import { validate } from './validate.js';

/** Something that a client has received. */
interface Received {
  /** Decodes the payload. */
  readonly body: unknown;
}

/** Finds the entry of a message. */
export type FindEntry = (kind: ContractEntry['kind'], name: string) => ContractEntry | undefined;

/** Validates what one client receives. It is no class, because the contract may come from another copy of this package. */
export interface ContractReader {
  /**
   * Validates a reply or an item of a stream, and makes the result its `body`. Names that the contract does not have pass.
   * @throws ContractError, or rejects with it.
   */
  read<Payload extends Received>(
    kind: 'request' | 'stream',
    name: string,
    payload: Payload,
  ): Payload | Promise<Payload>;
  /**
   * Validates a signal of the server, and delivers it after those that arrived before.
   * @throws ContractError, or rejects with it. Then the signal is not delivered.
   */
  signal(name: string, payload: Received, deliver: () => void): void | Promise<void>;
}

/** The client gets it from its contract, so that the code is only in bundles of programs with a contract. */
export class EntryReader implements ContractReader {
  readonly #find: FindEntry;
  /** Signals that wait for an asynchronous schema, their own or that of an earlier one. */
  #waiting = 0;
  /** Resolves when the last of them is delivered, or did not fit. */
  #last: Promise<unknown> | undefined;

  constructor(find: FindEntry) {
    this.#find = find;
  }

  read<Payload extends Received>(
    kind: 'request' | 'stream',
    name: string,
    payload: Payload,
  ): Payload | Promise<Payload> {
    const entry = this.#find(kind, name);
    if (!entry) return payload;
    const subject = `${kind === 'request' ? 'the reply to' : 'an item of the stream'} ${JSON.stringify(name)}`;
    return fitPayload(payload, resultSchema(entry), subject);
  }

  signal(name: string, payload: Received, deliver: () => void): void | Promise<void> {
    const entry = this.#find('serverSignal', name);
    const fitting = entry && fitPayload(payload, entry.body, `the signal ${JSON.stringify(name)}`);
    if (this.#waiting === 0 && !(fitting instanceof Promise)) return deliver();
    const turn = this.#deliverAfter(this.#last, fitting, deliver);
    this.#last = Promise.allSettled([turn]);
    return turn;
  }

  async #deliverAfter(earlier: Promise<unknown> | undefined, fitting: unknown, deliver: () => void): Promise<void> {
    this.#waiting++;
    try {
      await Promise.allSettled([earlier, fitting]);
      await fitting;
      deliver();
    } finally {
      this.#waiting--;
    }
  }
}

function resultSchema(entry: ContractEntry): OptionalSchema {
  if (entry.kind === 'request') return entry.reply;
  return entry.kind === 'stream' ? entry.item : undefined;
}

function fitPayload<Payload extends Received>(
  payload: Payload,
  schema: OptionalSchema,
  subject: string,
): Payload | Promise<Payload> {
  if (!schema) return withBody(payload, undefined);
  const body = decodeReceived(payload, subject);
  const accept = (result: SchemaResult<unknown>): Payload => {
    if (result.issues) throw new ContractError(subject, result.issues);
    return withBody(payload, result.value);
  };
  let result: SchemaResult<unknown> | Promise<SchemaResult<unknown>>;
  try {
    result = validate(schema, body);
  } catch (error) {
    throw schemaFailure(subject, error);
  }
  if (!(result instanceof Promise)) return accept(result);
  return result.then(accept, (error: unknown) => {
    throw schemaFailure(subject, error);
  });
}

/** The error of a schema, which does not say what it validated. */
function schemaFailure(subject: string, cause: unknown): ContractError {
  return new ContractError(subject, [], 'could not be validated, because its schema failed', { cause });
}

function decodeReceived(payload: Received, subject: string): unknown {
  try {
    return payload.body;
  } catch (cause) {
    throw new ContractError(subject, [], 'is not JSON', { cause });
  }
}

/** The same object, as no one else has it yet. */
function withBody<Payload extends Received>(payload: Payload, body: unknown): Payload {
  return Object.defineProperty(payload, 'body', { value: body });
}
