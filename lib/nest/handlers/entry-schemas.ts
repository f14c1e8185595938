import type { HandlerEntry } from '../../contract/entries.js';
import { describeIssues, describePaths } from '../../contract/issues.js';
import type { OptionalSchema, SchemaResult } from '../../contract/standard-schema.js';
import type { ServerLogger } from '../../common/logger.js';
import { RequestError } from '../../protocol/errors.js';
import { isPromiseLike } from '../../protocol/promise.js';
import type { WebwireConnection } from '../../server/connection.js';
import type { HandlerArguments } from './invoker.js';

/** Validates the bodies and results of the handler that takes an entry of a contract. */
export class EntrySchemas {
  readonly #body: OptionalSchema;
  readonly #result: OptionalSchema;

  /** @param handler `Class.method`, for errors and logs. */
  constructor(
    private readonly entry: HandlerEntry,
    private readonly handler: string,
    private readonly logger: ServerLogger,
  ) {
    this.#body = entry.body;
    this.#result = entry.kind === 'request' ? entry.reply : entry.kind === 'stream' ? entry.item : undefined;
  }

  /**
   * Validates a body.
   * @returns The body as the schema has transformed it, or the promise of it; `undefined` without a schema.
   * @throws RequestError `BAD_REQUEST` if it does not fit; errors of the schema. Or rejects with them.
   */
  body(body: unknown, connection: WebwireConnection): unknown {
    const schema = this.#body;
    if (!schema) return undefined;
    let result: SchemaResult<unknown> | PromiseLike<SchemaResult<unknown>>;
    try {
      result = schema['~standard'].validate(body);
    } catch (error) {
      throw this.#bodyFailure(error);
    }
    if (!isPromiseLike(result)) return this.#acceptBody(result, connection);
    return result.then(
      (late) => this.#acceptBody(late, connection),
      (error: unknown) => {
        throw this.#bodyFailure(error);
      },
    );
  }

  /**
   * Validates a result or an item.
   * @returns The value as the schema has transformed it, or the promise of it; `undefined` without a schema.
   * @throws TypeError if it does not fit; errors of the schema. Or rejects with them.
   */
  result(value: unknown): unknown {
    const schema = this.#result;
    if (!schema) return undefined;
    const result = schema['~standard'].validate(value);
    return isPromiseLike(result) ? result.then(this.#acceptResult) : this.#acceptResult(result);
  }

  #acceptBody(result: SchemaResult<unknown>, { id }: WebwireConnection): unknown {
    const { issues } = result;
    if (!issues) return result.value;
    const name = JSON.stringify(this.entry.name);
    this.logger.debug(
      `Connection ${id} sent ${name} with a body that does not fit the contract of ${this.handler}: ${describePaths(issues)}`,
    );
    throw new RequestError('BAD_REQUEST', describeIssues(issues));
  }

  readonly #acceptResult = (result: SchemaResult<unknown>): unknown => {
    const { issues } = result;
    if (!issues) return result.value;
    const noun = this.entry.kind === 'stream' ? 'an item' : 'a value';
    throw new TypeError(`${this.handler} returned ${noun} that does not fit the contract: ${describePaths(issues)}`);
  };

  /** A recursive schema exhausts the stack if a body is nested too deeply. Any other error is a mistake in the schema. */
  #bodyFailure(error: unknown): unknown {
    if (error instanceof RangeError) return new RequestError('BAD_REQUEST', 'the body is nested too deeply');
    if (error instanceof RequestError) return error;
    return new Error(`The schema of the body of ${this.handler} failed`, { cause: error });
  }
}

/**
 * Puts the validated body in the place of the body.
 * @returns A promise if the schema is asynchronous.
 * @throws As `EntrySchemas.body()`; or rejects.
 */
export function validateBody(schemas: EntrySchemas, args: HandlerArguments): Promise<void> | undefined {
  const body = schemas.body(args[1], args[0]);
  if (isPromiseLike(body)) return Promise.resolve(body).then((late) => void (args[1] = late));
  args[1] = body;
  return undefined;
}
