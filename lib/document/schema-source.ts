import type { Type } from '@nestjs/common';
import type { StandardSchema } from '../contract/standard-schema.js';
import { isSchema } from '../contract/validate.js';
import type { DescribedType, JsonSchema } from '../nest/options/handler-description.js';

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

/** The source of a type in the options of a handler. */
export function sourceOfType(type: DescribedType | null): SchemaSource {
  if (type === null) return NO_SCHEMA;
  if (Array.isArray(type)) return { kind: 'list', item: sourceOfType((type as readonly [DescribedType])[0]) };
  if (typeof type === 'function') return isArrowFunction(type) ? sourceOfType(type()) : sourceOfClass(type as Type);
  const { schema } = type as { readonly schema: StandardSchema | JsonSchema };
  return sourceOfSchema(schema);
}

export function sourceOfSchema(schema: StandardSchema | JsonSchema): SchemaSource {
  return isSchema(schema) ? { kind: 'standard', schema } : { kind: 'json', schema };
}

/** The source of a class that TypeScript has written into the metadata of a method. */
export function sourceOfClass(type: unknown): SchemaSource {
  // Interfaces, unions and type parameters are `Object`; a promise and an Observable do not say of what.
  if (typeof type !== 'function' || type === Object || type === Promise || type === Function) return UNKNOWN;
  if (type === Array) return { kind: 'list', item: UNKNOWN };
  return { kind: 'class', type: type as Type };
}

function isArrowFunction(type: Type | (() => DescribedType)): type is () => DescribedType {
  return !Object.hasOwn(type, 'prototype');
}
