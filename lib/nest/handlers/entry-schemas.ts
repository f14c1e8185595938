import type { HandlerEntry } from '../../contract/entries.js';
import { describeIssues, describePaths } from '../../contract/issues.js';
import type { OptionalSchema, SchemaResult } from '../../contract/standard-schema.js';
import { validate } from '../../contract/validate.js';
import type { ServerLogger } from '../../common/logger.js';
import { RequestError } from '../../protocol/errors.js';
import type { WebwireConnection } from '../../server/connection.js';
import { isIntended } from './failure.js';
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
   * @throws RequestError `BAD_REQUEST` if it does not fit; Error if the schema failed. Or rejects with them.
   */
  body(body: unknown, connection: WebwireConnection): unknown {
    const schema = this.#body;
    if (!schema) return undefined;
    let result: SchemaResult<unknown> | Promise<SchemaResult<unknown>>;
    try {
      result = validate(schema, body);
    } catch (error) {
      throw this.#bodyFailure(error);
    }
    if (!(result instanceof Promise)) return this.#acceptBody(result, connection);
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
   * @throws TypeError if it does not fit; Error if the schema failed. Or rejects with them.
   */
  result(value: unknown): unknown {
    const schema = this.#result;
    if (!schema) return undefined;
    let result: SchemaResult<unknown> | Promise<SchemaResult<unknown>>;
    try {
      result = validate(schema, value);
    } catch (error) {
      throw this.#schemaFailure(this.#noun, error);
    }
    if (!(result instanceof Promise)) return this.#acceptResult(result);
    return result.then(this.#acceptResult, (error: unknown) => {
      throw this.#schemaFailure(this.#noun, error);
    });
  }

  get #noun(): string {
    return this.entry.kind === 'stream' ? 'item' : 'reply';
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
    // The value may also be that of an interceptor or an exception filter.
    const article = this.entry.kind === 'stream' ? 'An' : 'The';
    throw new TypeError(
      `${article} ${this.#noun} of ${this.handler} does not fit the contract: ${describePaths(issues)}`,
    );
  };

  /** A recursive schema exhausts the stack if a body is nested too deeply. Errors for the client are thrown on purpose. */
  #bodyFailure(error: unknown): unknown {
    if (isStackOverflow(error)) return new RequestError('BAD_REQUEST', 'the body is nested too deeply');
    return isIntended(error) ? error : this.#schemaFailure('body', error);
  }

  #schemaFailure(noun: string, cause: unknown): Error {
    return new Error(`The schema of the ${noun} of ${this.handler} failed`, { cause });
  }
}

/** Any other RangeError is a mistake in the schema, such as that of an invalid Date. */
function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}

/**
 * Puts the validated body in the place of the body.
 * @returns A promise if the schema is asynchronous.
 * @throws As `EntrySchemas.body()`; or rejects.
 */
export function validateBody(schemas: EntrySchemas, args: HandlerArguments): Promise<void> | undefined {
  const body = schemas.body(args[1], args[0]);
  if (body instanceof Promise) return body.then((late) => void (args[1] = late));
  args[1] = body;
  return undefined;
}
