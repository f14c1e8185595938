import { describeIssues } from './issues.js';
import type { SchemaIssue } from './standard-schema.js';

/** Something that was received, or is to be sent, does not fit the contract. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
  readonly code = 'CONTRACT_VIOLATION';
  /** The issues that the schema has found; none for a text that is not JSON, or if the schema failed: see `cause`. */
  declare readonly issues: readonly SchemaIssue[];

  /**
   * @param subject Such as `the reply to "enter"`.
   * @param reason Completes the sentence if there are no issues.
   */
  constructor(subject: string, issues: readonly SchemaIssue[], reason?: string, options?: { cause?: unknown }) {
    super(`${subject} ${reason ?? `does not fit the contract: ${describeIssues(issues)}`}`, options);
    // Not enumerable, as loggers print such properties, and issues may quote values.
    Object.defineProperty(this, 'issues', { value: issues });
  }
}
