import type { Type } from '@nestjs/common';
import type { OptionRule, OptionRules } from '../../common/options.js';
import type { EntryDetails, EntryErrors } from '../../contract/entries.js';
import type { StandardSchema } from '../../contract/standard-schema.js';
import { isSchema } from '../../contract/validate.js';

/** A JSON Schema, draft 7. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/**
 * Describes bodies, replies, items and signals in documents: a class, such as a DTO, `String`, `Number`, `Boolean`, `Date` or
 * `Buffer`; a function that returns the class, for files that import each other; a list with one of them, for an array; or a
 * JSON Schema or Standard Schema as `{ schema }`.
 */
export type DescribedType =
  Type | (() => DescribedType) | readonly [DescribedType] | { readonly schema: StandardSchema | JsonSchema };

/**
 * Describes a handler that takes a name in documents. It does not change what the handler does: to validate as well, use an
 * entry of a contract.
 */
interface HandlerDescription extends EntryDetails {
  /**
   * The type of the body; `null` if there is none.
   * @default the type of the parameter with `@MessageBody()`
   */
  readonly body?: DescribedType | null;
}

/** Describes a request in documents. */
export interface RequestDescription extends HandlerDescription {
  /**
   * The type of the reply; `null` if it is empty.
   * @default the return type of the method, if it is a class
   */
  readonly reply?: DescribedType | null;
  /** Codes of the errors with which the request may fail, and their meanings. */
  readonly errors?: EntryErrors;
}

/** Describes a stream in documents. */
export interface StreamDescription extends HandlerDescription {
  /** The type of each item; `null` if items are empty. */
  readonly item?: DescribedType | null;
  /** Codes of the errors with which the stream may fail, and their meanings. */
  readonly errors?: EntryErrors;
}

/**
 * Describes a signal of the client in documents.
 * @interface
 */
export type SignalDescription = HandlerDescription;

/** Describes a handler of any kind. */
export type AnyDescription = RequestDescription & StreamDescription;

/** The types of bodies, replies and items. */
export const TYPE_RULE: OptionRule = {
  allowed: 'a class, a function that returns one, a list with one of them, { schema }, or null',
  accepts: (value) => value === null || isDescribedType(value),
};

const DETAIL_RULE: OptionRule = { allowed: 'a string', accepts: (value) => typeof value === 'string' };

export const DETAIL_RULES: OptionRules<EntryDetails> = {
  summary: DETAIL_RULE,
  description: DETAIL_RULE,
  deprecated: { allowed: 'a boolean', accepts: (value) => typeof value === 'boolean' },
};

const ERRORS_RULE: OptionRule = {
  allowed: 'an object of meanings by code, which has 1 to 255 printable ASCII characters',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([code, meaning]) => /^[ -~]{1,255}$/.test(code) && typeof meaning === 'string'),
};

const BODY_RULES = { ...DETAIL_RULES, body: TYPE_RULE };

/** The options that describe handlers, by the kind of the handler. */
export const DESCRIPTION_RULES: {
  readonly request: OptionRules<RequestDescription>;
  readonly stream: OptionRules<StreamDescription>;
  readonly signal: OptionRules<SignalDescription>;
} = {
  request: { ...BODY_RULES, reply: TYPE_RULE, errors: ERRORS_RULE },
  stream: { ...BODY_RULES, item: TYPE_RULE, errors: ERRORS_RULE },
  signal: BODY_RULES,
};

function isDescribedType(value: unknown): value is DescribedType {
  if (isSchema(value)) return false;
  if (typeof value === 'function') return true;
  if (Array.isArray(value)) return value.length === 1 && isDescribedType(value[0]);
  const { schema } = (value ?? {}) as { schema?: unknown };
  return isSchema(schema) || (typeof schema === 'object' && schema !== null && !Array.isArray(schema));
}
