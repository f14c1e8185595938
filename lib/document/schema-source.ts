import type { Type } from '@nestjs/common';
import type { StandardSchema } from '../contract/standard-schema.js';
import { isSchema, validate } from '../contract/validate.js';
import { check } from '../common/options.js';
import { TYPE_RULE, type DescribedType, type JsonSchema } from '../nest/options/handler-description.js';
import type { SchemaSide } from './standard-json-schema.js';

/** The origin of the JSON Schema of a body, reply, item or signal. */
export type SchemaSource =
  /** Nothing is sent: an empty payload. */
  | { readonly kind: 'nothing' }
  /** Anything may be sent: nothing says what it is. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'class'; readonly type: Type }
  | { readonly kind: 'list'; readonly item: SchemaSource }
  | { readonly kind: 'properties'; readonly properties: Readonly<Record<string, SchemaSource>> }
  | { readonly kind: 'json'; readonly schema: JsonSchema }
  | { readonly kind: 'standard'; readonly schema: StandardSchema };

export const NO_SCHEMA: SchemaSource = { kind: 'nothing' };
export const UNKNOWN: SchemaSource = { kind: 'unknown' };

/**
 * The source of a type in the options of a handler.
 * @param place Of the type, for errors.
 * @throws InvalidOptionError for a function that does not return a type.
 */
export function sourceOfType(type: DescribedType | null, place: string): SchemaSource {
  if (type === null) return NO_SCHEMA;
  if (Array.isArray(type)) return { kind: 'list', item: sourceOfType((type as readonly [DescribedType])[0], place) };
  if (typeof type === 'function') {
    if (!isArrowFunction(type)) return sourceOfClass(type);
    const returned = type();
    check(`${place}, as its function returns it,`, returned, TYPE_RULE);
    return sourceOfType(returned, place);
  }
  const { schema } = type as { readonly schema: StandardSchema | JsonSchema };
  return sourceOfSchema(schema);
}

export function sourceOfSchema(schema: StandardSchema | JsonSchema): SchemaSource {
  return isSchema(schema) ? { kind: 'standard', schema } : { kind: 'json', schema };
}

/**
 * Checks for a schema that accepts an empty payload as well, which JSON Schema cannot express.
 * @param side See `SchemaSide`.
 */
export function isOptional(source: SchemaSource, side: SchemaSide): boolean {
  if (source.kind !== 'standard') return false;
  try {
    const result = validate(source.schema, undefined);
    if (!(result instanceof Promise)) return !result.issues && (side === 'input' || result.value === undefined);
    result.catch(() => undefined);
  } catch {
    // The schema does not expect such a value.
  }
  return false;
}

/** The source of a class that TypeScript has written into the metadata of a method. */
export function sourceOfClass(type: unknown): SchemaSource {
  // Interfaces, unions and type parameters are `Object`.
  if (typeof type !== 'function' || type === Object || type === Function || isOfOthers(type)) return UNKNOWN;
  if (type === Array) return { kind: 'list', item: UNKNOWN };
  return { kind: 'class', type: type as Type };
}

/** A promise, an Observable and an AsyncIterable do not say of what they are. */
function isOfOthers({ prototype }: Function): boolean {
  const { then, subscribe, [Symbol.asyncIterator]: iterate } = (prototype ?? {}) as Record<PropertyKey, unknown>;
  return [then, subscribe, iterate].some((method) => typeof method === 'function');
}

function isArrowFunction(type: Type | (() => DescribedType)): type is () => DescribedType {
  return !Object.hasOwn(type, 'prototype');
}
