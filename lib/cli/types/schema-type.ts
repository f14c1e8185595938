import { escapeDeceptive } from '../escape-deceptive.js';

/** A JSON Schema in a document, which may be anything. */
export type SchemaValue = unknown;

/** Writes the name of the type of a component. */
export type NameOf = (reference: string) => string | undefined;

type Schema = Readonly<Record<string, unknown>>;

const ANY = 'unknown';
const NEVER = 'never';

/** Members that say what an object is. */
const OBJECT_MEMBERS = ['properties', 'required', 'additionalProperties', 'patternProperties'];
/** Members that say what an array is. */
const ARRAY_MEMBERS = ['items', 'prefixItems', 'additionalItems'];

/** Longest tuple that is written out. Longer ones, and those without a limit, are arrays. */
const MAX_TUPLE_LENGTH = 16;

/**
 * Writes a TypeScript type for a JSON Schema: draft 7, later drafts and, for `nullable`, OpenAPI 3.0. Values that fit the schema fit
 * the type. TypeScript cannot express ranges, lengths, patterns and `not`, so the type may be wider.
 *
 * @param nameOf Writes references.
 * @param indent Of the line on which the type begins.
 */
export function schemaType(value: SchemaValue, nameOf: NameOf, indent = ''): string {
  if (value === false) return NEVER;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ANY;
  const schema = value as Schema;
  const parts = [ownType(schema, nameOf, indent)];
  if (typeof schema.$ref === 'string') parts.push(nameOf(schema.$ref) ?? ANY);
  for (const part of toList(schema.allOf)) parts.push(schemaType(part, nameOf, indent));
  for (const alternatives of [schema.anyOf, schema.oneOf]) {
    if (Array.isArray(alternatives)) parts.push(union(alternatives.map((one) => schemaType(one, nameOf, indent))));
  }
  if (isEmpty(schema.not)) parts.push(NEVER);
  const type = intersection(parts);
  return schema.nullable === true ? union([type, 'null']) : type;
}

/** The type that a schema describes itself, without those that it is composed of. */
function ownType(schema: Schema, nameOf: NameOf, indent: string): string {
  if ('const' in schema) return literal(schema.const);
  if (Array.isArray(schema.enum)) return enumType(schema.enum, schema.type);
  const types = toList(schema.type);
  if (types.length > 0) return union(types.map((type) => namedType(type, schema, nameOf, indent)));
  const isObject = OBJECT_MEMBERS.some((member) => member in schema);
  const isArray = ARRAY_MEMBERS.some((member) => member in schema);
  // Without a type, such members say nothing of values of other types.
  if (isObject && !isArray) return objectType(schema, nameOf, indent);
  return isArray && !isObject ? arrayType(schema, nameOf, indent) : ANY;
}

function namedType(type: unknown, schema: Schema, nameOf: NameOf, indent: string): string {
  switch (type) {
    case 'string':
      // Bytes are not JSON: they are sent as they are.
      return schema.format === 'binary' ? 'Uint8Array' : 'string';
    case 'number':
    case 'integer':
      return 'number';
    case 'boolean':
    case 'null':
      return type;
    case 'object':
      return objectType(schema, nameOf, indent);
    case 'array':
      return arrayType(schema, nameOf, indent);
    default:
      return ANY;
  }
}

function enumType(values: readonly unknown[], type: unknown): string {
  const types = toList(type);
  // A type narrows an enumeration, which may list values that it does not allow.
  const allowed =
    types.length === 0
      ? values
      : values.filter((value) => types.includes(jsonTypeOf(value)) || isAllowedInteger(value, types));
  return union(allowed.map(literal));
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function isAllowedInteger(value: unknown, types: readonly unknown[]): boolean {
  return types.includes('integer') && Number.isInteger(value);
}

/** The type of one JSON value. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ANY;
  const members = Object.entries(value).map(([name, member]) => `${propertyName(name)}: ${literal(member)}`);
  return members.length === 0 ? indexed(NEVER) : `{ ${members.join('; ')} }`;
}

function objectType(schema: Schema, nameOf: NameOf, indent: string): string {
  const inner = `${indent}  `;
  const properties = asObject(schema.properties);
  const required = new Set(toList(schema.required).filter((name) => typeof name === 'string'));
  const members: string[] = [];
  const types: string[] = [];
  for (const name of new Set([...Object.keys(properties), ...required])) {
    const property = Object.hasOwn(properties, name) ? properties[name] : otherProperty(schema);
    const type = schemaType(property, nameOf, inner);
    const isRequired = required.has(name);
    types.push(isRequired ? type : union([type, 'undefined']));
    members.push(`${comment(property, inner)}${inner}${propertyName(name)}${isRequired ? '' : '?'}: ${type};`);
  }
  const others = otherTypes(schema, nameOf, inner);
  if (members.length === 0) {
    if (others) return indexed(union(others));
    return indexed(schema.additionalProperties === false ? NEVER : ANY);
  }
  // The type of an index has to include those of the named properties.
  if (others) members.push(`${inner}[name: string]: ${union([...others, ...types])};`);
  return `{\n${members.join('\n')}\n${indent}}`;
}

/** Not a `Record`, which a recursive type cannot contain. */
function indexed(type: string): string {
  return `{ [name: string]: ${type} }`;
}

/** The schema of a property that is required, but not described. */
function otherProperty({ additionalProperties }: Schema): unknown {
  return additionalProperties === false ? undefined : additionalProperties;
}

/** The types of properties without a description; `undefined` if the schema says nothing of them, or allows none. */
function otherTypes(schema: Schema, nameOf: NameOf, indent: string): string[] | undefined {
  const { additionalProperties, patternProperties } = schema;
  const patterns = Object.values(asObject(patternProperties)).map((one) => schemaType(one, nameOf, indent));
  if (additionalProperties !== undefined && additionalProperties !== false)
    return [schemaType(additionalProperties, nameOf, indent), ...patterns];
  if (patterns.length === 0) return undefined;
  return additionalProperties === false ? patterns : [ANY];
}

function arrayType(schema: Schema, nameOf: NameOf, indent: string): string {
  const { items, prefixItems, additionalItems } = schema;
  const first = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
  // Drafts before 2020-12 have the first items in `items`, and the others in `additionalItems`.
  const rest: unknown = Array.isArray(prefixItems) ? items : Array.isArray(items) ? additionalItems : items;
  const of = (item: unknown) => schemaType(item, nameOf, indent);
  if (first.length === 0) return rest === false ? '[]' : `${grouped(of(rest))}[]`;
  if (first.length > MAX_TUPLE_LENGTH) return `${ANY}[]`;
  const minItems = typeof schema.minItems === 'number' ? schema.minItems : 0;
  const members = first.map((item, index) => (index < minItems ? of(item) : `${grouped(of(item))}?`));
  const isClosed = rest === false || (typeof schema.maxItems === 'number' && schema.maxItems <= first.length);
  return `[${[...members, ...(isClosed ? [] : [`...${grouped(of(rest))}[]`])].join(', ')}]`;
}

/** Writes a union of types, without repetitions and types that another one includes. */
export function union(types: readonly string[]): string {
  const members = [...new Set(types)].filter((type) => type !== NEVER);
  if (members.includes(ANY)) return ANY;
  return members.length === 0 ? NEVER : members.join(' | ');
}

function intersection(types: readonly string[]): string {
  const members = [...new Set(types)].filter((type) => type !== ANY);
  if (members.includes(NEVER)) return NEVER;
  if (members.length < 2) return members[0] ?? ANY;
  return members.map(grouped).join(' & ');
}

function grouped(type: string): string {
  return /[|&]/.test(type) ? `(${type})` : type;
}

export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}

/** A string of the program. */
function quoted(text: string): string {
  return escapeDeceptive(JSON.stringify(text));
}

/** The description of a schema as a comment, on lines of its own. */
export function comment(schema: unknown, indent: string): string {
  const { description, deprecated } = asObject(schema);
  const texts = [typeof description === 'string' ? description : '', deprecated === true ? '@deprecated' : ''];
  const lines = texts
    .filter((text) => text !== '')
    .flatMap((text) => text.split(/\r\n?|[\n\u2028\u2029]/))
    .map(commentText);
  if (lines.length === 0) return '';
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

/** Text of a document for one line of a comment, which it cannot end. Nor can it be a directive for the compiler. */
export function commentText(text: string): string {
  return escapeDeceptive(text.replaceAll('\t', ' ').replaceAll('*/', '* /').replaceAll('@ts-', '@ ts-'));
}

function isEmpty(schema: unknown): boolean {
  return schema === true || (typeof schema === 'object' && schema !== null && Object.keys(schema).length === 0);
}

function toList(value: unknown): unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value];
}

export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
