import { ContractError } from './contract-error.js';
import type { ContractEntry } from './entries.js';
import type { OptionalSchema, SchemaResult, StandardSchema } from './standard-schema.js';

/** Checks for a Standard Schema. Schemas of some libraries are functions. */
export function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'] as Partial<StandardSchema['~standard']> | undefined;
  return standard?.version === 1 && typeof standard.validate === 'function';
}

/** Checks for a promise, of any realm. */
export function isThenable<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof (value as Partial<PromiseLike<Value>> | null | undefined)?.then === 'function';
}

/**
 * Validates a value that has to fit.
 * @param subject Names the value in the error, such as `the reply to "enter"`.
 * @returns The value as the schema has transformed it, or the promise of it; `undefined` without a schema.
 * @throws ContractError if the value does not fit; errors of the schema. Or rejects with them.
 */
export function assertFits(schema: OptionalSchema, value: unknown, subject: () => string): unknown {
  if (!schema) return undefined;
  const result = schema['~standard'].validate(value);
  return isThenable(result) ? result.then((late) => valueOf(late, subject)) : valueOf(result, subject);
}

/**
 * Validates the body of a signal that is to be sent at once.
 * @returns The body as the schema has transformed it; `undefined` without a schema.
 * @throws ContractError if it does not fit; TypeError if the schema is asynchronous; errors of the schema.
 */
export function validateNow({ name, body: schema }: ContractEntry, body: unknown): unknown {
  const subject = () => `the body of the signal ${JSON.stringify(name)}`;
  const fitting = assertFits(schema, body, subject);
  if (!isThenable(fitting)) return fitting;
  // Nobody awaits it. Its rejection must not end the process.
  fitting.then(undefined, () => undefined);
  throw new TypeError(
    `${subject()} has an asynchronous schema, but signals are sent at once: ` +
      'await such a check before you send the signal, and use a synchronous schema in the contract',
  );
}

function valueOf(result: SchemaResult<unknown>, subject: () => string): unknown {
  if (result.issues) throw new ContractError(subject(), result.issues);
  return result.value;
}
