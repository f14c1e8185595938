import type { JsonSchema } from '../nest/options/handler-description.js';

export type { JsonSchema };

/** Members of a schema that hold data, not schemas. */
const DATA = new Set(['const', 'default', 'enum', 'examples', 'example', 'required', 'type']);

/** Members of a schema that hold schemas by the names of properties or definitions. */
const NAMED = new Set(['properties', 'patternProperties', 'definitions', '$defs', 'dependentSchemas']);

/** Members of a schema that say nothing in a document. */
const DROPPED = new Set(['$schema', '$id', '$anchor', '~standard']);

/**
 * Copies a schema, and applies a function to each schema in it, inner ones first.
 * @param change Returns the schema in place of a copy.
 */
export function mapSchema(schema: unknown, change: (schema: Record<string, unknown>) => unknown): unknown {
  if (Array.isArray(schema)) return schema.map((item) => mapSchema(item, change));
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (DROPPED.has(name) || value === undefined) continue;
    if (NAMED.has(name) && typeof value === 'object' && value !== null) {
      const named = Object.entries(value).map(([key, inner]) => [key, mapSchema(inner, change)] as const);
      // `fromEntries()` also makes an own property of a name such as `__proto__`.
      define(copy, name, Object.fromEntries(named));
    } else define(copy, name, DATA.has(name) ? copyData(value) : mapSchema(value, change));
  }
  return change(copy);
}

/** A copy with what JSON can express. */
function copyData(value: unknown): unknown {
  const text = JSON.stringify(value, (_name, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner)) as
    string | undefined;
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}

/** Makes a JSON Schema of a schema of OpenAPI 3.0, as `@nestjs/swagger` makes them. */
export function fromOpenApi(schema: unknown): JsonSchema {
  return mapSchema(schema, (copy) => {
    const { nullable, discriminator: _, xml: _xml, example, exclusiveMinimum, exclusiveMaximum, ...rest } = copy;
    const result: Record<string, unknown> = { ...rest };
    if (example !== undefined) result.examples ??= [example];
    exclusive(result, 'minimum', 'exclusiveMinimum', exclusiveMinimum);
    exclusive(result, 'maximum', 'exclusiveMaximum', exclusiveMaximum);
    return nullable === true ? withNull(result) : result;
  }) as JsonSchema;
}

/** In OpenAPI 3.0, the bound is a number, and the other member says whether it is exclusive. */
function exclusive(schema: Record<string, unknown>, bound: string, name: string, value: unknown): void {
  if (typeof value === 'number') schema[name] = value;
  if (value !== true) return;
  schema[name] = schema[bound];
  delete schema[bound];
}

function withNull(schema: Record<string, unknown>): Record<string, unknown> {
  const { type, enum: values } = schema;
  const isComposed = ['$ref', 'allOf', 'anyOf', 'oneOf'].some((name) => name in schema);
  if (isComposed || typeof type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  return { ...schema, type: [type, 'null'], ...(Array.isArray(values) && { enum: [...(values as unknown[]), null] }) };
}
