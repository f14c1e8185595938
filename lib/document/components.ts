import { isDeepStrictEqual } from 'node:util';
import { mapSchema, type JsonSchema } from './json-schema.js';

/** Path of the components in a document. */
const COMPONENTS = '#/components/schemas/';

/** A definition of a schema: draft 7 has them in `definitions`, later drafts in `$defs`. */
const DEFINITION = /^#\/(?:definitions|\$defs)\/(.+)$/s;

/** Names that libraries make up for schemas without one. */
const MADE_UP = /^(?:__schema\d+|\d+|[a-z]+\d+)$/;

/** The schemas of a document that others refer to, by name. */
export class Components {
  readonly #schemas = new Map<string, JsonSchema>();

  /** All schemas, sorted by name. */
  get schemas(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#schemas].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /**
   * Opens references to components that do not exist: in the components, and in a part of the document.
   * @returns The part.
   */
  closed<Part>(part: Part, missing: (name: string) => void): Part {
    const open = (schema: Record<string, unknown>) => {
      const { $ref } = schema;
      if (typeof $ref !== 'string' || !$ref.startsWith(COMPONENTS)) return schema;
      const [name = ''] = $ref.slice(COMPONENTS.length).split('/');
      if (this.#schemas.has(name)) return schema;
      missing(name);
      return {};
    };
    for (const [name, schema] of this.#schemas) this.#schemas.set(name, mapSchema(schema, open) as JsonSchema);
    return mapSchema(part, open) as Part;
  }

  /**
   * Makes a schema part of the document: its definitions become components, and references to them, or to the schema itself, refer
   * to components.
   * @param name For schemas without a name of their own, such as `RoomsCreateBody`.
   */
  embed(schema: JsonSchema, name: string): JsonSchema {
    const { $defs = {}, definitions = {}, ...root } = schema;
    const parts = Object.entries<JsonSchema>({ ...(definitions as object), ...($defs as object) });
    const names = new Map<string, string>();
    const isUsed = (free: string) => [...names.values()].includes(free);
    for (const [key] of parts) names.set(key, numbered(MADE_UP.test(key) ? `${name}Part` : componentName(key), isUsed));
    const others = parts.filter(([key, part]) => this.#isTaken(names.get(key)!, relocate(part, names, name)));
    for (const [key] of others) {
      names.set(
        key,
        numbered(names.get(key)!, (free) => this.#schemas.has(free) || isUsed(free)),
      );
    }
    const own = numbered(name, (free) => this.#schemas.has(free) || isUsed(free));
    let refersToItself = false;
    const locate = (part: JsonSchema) => relocate(part, names, own, () => (refersToItself = true));
    for (const [key, part] of parts) this.#schemas.set(names.get(key)!, locate(part));
    const located = locate(root);
    return refersToItself ? this.add(own, located) : located;
  }

  /**
   * Adds a schema under a name, or under a similar one if another schema has it.
   * @returns A reference to it.
   */
  add(name: string, schema: JsonSchema): JsonSchema {
    const free = numbered(componentName(name), (one) => this.#isTaken(one, schema));
    this.#schemas.set(free, schema);
    return { $ref: COMPONENTS + free };
  }

  #isTaken(name: string, schema: JsonSchema): boolean {
    const existing = this.#schemas.get(name);
    return existing !== undefined && !isDeepStrictEqual(existing, schema);
  }
}

/** The name, or with a number if it is taken. */
export function numbered(name: string, isTaken: (name: string) => boolean): string {
  let free = name;
  for (let count = 2; isTaken(free); count++) free = `${name}${count}`;
  return free;
}

/**
 * Makes references to definitions refer to components.
 * @param names The components of the definitions.
 * @param own The component of the schema itself.
 * @param onSelf Called for a reference to the schema itself.
 */
function relocate(schema: JsonSchema, names: ReadonlyMap<string, string>, own: string, onSelf = () => {}): JsonSchema {
  return mapSchema(schema, (copy) => {
    const { $ref } = copy;
    if (typeof $ref !== 'string' || !$ref.startsWith('#') || $ref.startsWith(COMPONENTS)) return copy;
    const [, pointer] = DEFINITION.exec($ref) ?? [];
    if (pointer !== undefined) return referring(copy, COMPONENTS + partOf(pointer, names));
    onSelf();
    return referring(copy, COMPONENTS + own + $ref.slice(1));
  }) as JsonSchema;
}

/**
 * The component of a definition, or the path to a part of it. A definition that does not exist may be the name of a component.
 * @param pointer Libraries escape the names of definitions, or do not.
 */
function partOf(pointer: string, names: ReadonlyMap<string, string>): string {
  const whole = names.get(pointer) ?? names.get(decodePointer(pointer));
  if (whole !== undefined) return whole;
  const [key = '', ...path] = pointer.split('/');
  const component = names.get(decodePointer(key));
  return component === undefined ? componentName(decodePointer(pointer)) : [component, ...path].join('/');
}

/** Replaces the target of a reference. In draft 7, a reference has no other members. */
function referring(schema: Record<string, unknown>, target: string): JsonSchema {
  const reference = { $ref: target };
  const { $ref: _, ...others } = schema;
  return Object.keys(others).length === 0 ? reference : { ...others, allOf: [...asList(others.allOf), reference] };
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** Names of components have letters, digits, `.`, `-` and `_` only. */
export function componentName(name: string): string {
  return name.replace(/[^\w.-]+/g, '_') || '_';
}

function decodePointer(part: string): string {
  let text = part;
  try {
    text = decodeURIComponent(part);
  } catch {
    // It is not escaped.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}
