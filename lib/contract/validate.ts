import { ContractError } from './contract-error.js';
import type { ContractEntry } from './entries.js';
import { describePaths } from './issues.js';
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
 * @throws ContractError if it does not fit: its message has no reasons, which may quote values, as servers log errors of handlers.
 * @throws TypeError if the schema is asynchronous; errors of the schema.
 */
export function validateNow({ name, body: schema }: ContractEntry, body: unknown): unknown {
  if (!schema) return undefined;
  const subject = `the body of the signal ${JSON.stringify(name)}`;
  const result = schema['~standard'].validate(body);
  if (isThenable(result)) {
    // Nobody awaits it. Its rejection must not end the process.
    result.then(undefined, () => undefined);
    throw new TypeError(
      `${subject} has an asynchronous schema, but signals are sent at once: ` +
        'await such a check before you send the signal, and use a synchronous schema in the contract',
    );
  }
  const { issues } = result;
  if (!issues) return result.value;
  const reason = `does not fit the contract at ${describePaths(issues)} (the property "issues" of this error has the reasons)`;
  throw new ContractError(subject, issues, reason);
}

function valueOf(result: SchemaResult<unknown>, subject: () => string): unknown {
  if (result.issues) throw new ContractError(subject(), result.issues);
  return result.value;
}
