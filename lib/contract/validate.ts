import { ContractError } from './contract-error.js';
import type { ContractEntry } from './entries.js';
import { describePaths } from './issues.js';
import type { SchemaResult, StandardSchema } from './standard-schema.js';

/** Checks for a Standard Schema. Schemas of some libraries are functions. */
export function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'] as Partial<StandardSchema['~standard']> | undefined;
  return standard?.version === 1 && typeof standard.validate === 'function';
}

/**
 * Validates a value with a schema of any library.
 * @throws TypeError for a result that Standard Schema does not allow; errors of the schema. Or rejects with them.
 */
export function validate(
  schema: StandardSchema,
  value: unknown,
): SchemaResult<unknown> | Promise<SchemaResult<unknown>> {
  const result = schema['~standard'].validate(value);
  // Some libraries have promises of their own, and some schemas return nothing.
  return typeof (result as Partial<PromiseLike<unknown>> | undefined | null)?.then === 'function'
    ? Promise.resolve(result).then(checkResult)
    : checkResult(result as SchemaResult<unknown>);
}

/** A result without issues is a success, so anything that is no result at all would let each value pass. */
function checkResult(result: SchemaResult<unknown>): SchemaResult<unknown> {
  const issues: unknown = typeof result === 'object' && result !== null ? result.issues : true;
  if (!issues || Array.isArray(issues)) return result;
  throw new TypeError('the schema returned neither an object with a value nor a list of issues');
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
  const result = validate(schema, body);
  if (result instanceof Promise) {
    // Nobody awaits it. Its rejection must not end the process.
    result.catch(() => undefined);
    throw new TypeError(
      `${subject} has an asynchronous schema, but signals are sent at once: ` +
        'await such a check before you send the signal, and use a synchronous schema in the contract',
    );
  }
  const { issues } = result;
  if (!issues) return result.value;
  const reason = `does not fit the contract: ${describePaths(issues)} (the property "issues" of this error has the reasons)`;
  throw new ContractError(subject, issues, reason);
}
