import type { Type } from '@nestjs/common';
import type { AsyncApiMessage } from './asyncapi.js';
import { Components } from './components.js';
import { fromOpenApi, mapSchema, type JsonSchema } from './json-schema.js';
import type { SchemaSource } from './schema-source.js';
import { standardJsonSchema, type SchemaSide } from './standard-json-schema.js';

/** The part of `@nestjs/swagger` that is used: versions before 11.3 do not have it. */
interface Swagger {
  readonly generateSchema?: (type: Type) => { schema?: JsonSchema; schemas: Record<string, JsonSchema> };
}

const BINARY_SCHEMA = { type: 'string', format: 'binary' } as const;

/** The classes of the language. */
const BUILT_IN = new Map<unknown, JsonSchema>([
  [String, { type: 'string' }],
  [Number, { type: 'number' }],
  [Boolean, { type: 'boolean' }],
  [Date, { type: 'string', format: 'date-time' }],
  [URL, { type: 'string', format: 'uri' }],
]);

/** Makes the JSON Schemas of a document. */
export class Schemas {
  readonly components = new Components();
  readonly #classes = new Map<Type, JsonSchema>();
  /** References that were warned of. */
  readonly #missed = new Set<string>();
  #swagger: Swagger | undefined;

  /** @param warn Gets a warning for each thing that the document cannot express. */
  constructor(private readonly warn: (warning: string) => void) {}

  /**
   * Makes the schema of a body, reply, item or signal.
   * @param side The values that a schema takes (of bodies of clients), or that it makes.
   * @param name For a schema without a name of its own, such as `RoomsCreateBody`.
   * @param place For warnings, such as `the body of ChatGateway.create`.
   * @returns `undefined` if nothing is sent.
   */
  async make(source: SchemaSource, side: SchemaSide, name: string, place: string): Promise<JsonSchema | undefined> {
    switch (source.kind) {
      case 'nothing':
        return undefined;
      case 'unknown':
        return {};
      case 'class':
        return this.#ofClass(source.type, place);
      case 'json':
        return this.components.embed(source.schema, name);
      case 'list':
        return { type: 'array', items: (await this.make(source.item, side, name, place)) ?? {} };
      case 'properties': {
        const properties: [string, JsonSchema][] = [];
        for (const [key, property] of Object.entries(source.properties)) {
          properties.push([key, (await this.make(property, side, name, place)) ?? {}]);
        }
        return { type: 'object', properties: Object.fromEntries(properties) };
      }
      default: {
        const report = (what: string) =>
          this.warn(`${place}: JSON Schema cannot express ${what}, so the document leaves it open`);
        return this.components.embed(await standardJsonSchema(source.schema, side, report), name);
      }
    }
  }

  /** Opens references to schemas that the document does not have, in messages and in components. */
  closed(messages: Readonly<Record<string, AsyncApiMessage>>): Record<string, AsyncApiMessage> {
    const entries = Object.entries(messages).map(([key, message]) => {
      const { payload } = message;
      return [
        key,
        payload ? { ...message, payload: this.components.closed(payload, this.#missing) } : message,
      ] as const;
    });
    return Object.fromEntries(entries);
  }

  readonly #missing = (name: string): void => {
    if (this.#missed.has(name)) return;
    this.#missed.add(name);
    this.warn(
      `a schema refers to ${JSON.stringify(name)}, which is not in the document, so the document leaves it open: ` +
        `with @nestjs/swagger, name the class in @ApiExtraModels()`,
    );
  };

  /** One schema and one warning for each class. */
  async #ofClass(type: Type, place: string): Promise<JsonSchema> {
    const builtIn = isBytesClass(type) ? BINARY_SCHEMA : BUILT_IN.get(type);
    if (builtIn) return builtIn;
    if (isClassOfLanguage(type)) {
      this.warn(`${place}: JSON cannot express a value of type ${type.name}, so the document leaves it open`);
      return {};
    }
    const known = this.#classes.get(type);
    if (known) return known;
    const made = (await this.#describedBySwagger(type)) ?? this.#open(type);
    this.#classes.set(type, made);
    return made;
  }

  #open(type: Type): JsonSchema {
    this.warn(
      `the class ${type.name} has no metadata of @nestjs/swagger (@ApiProperty(), or its compiler plugin), so the document ` +
        'leaves it open',
    );
    return this.components.add(type.name, { type: 'object' });
  }

  async #describedBySwagger(type: Type): Promise<JsonSchema | undefined> {
    this.#swagger ??= await loadSwagger();
    const { generateSchema } = this.#swagger;
    if (!generateSchema) return undefined;
    const { schemas } = generateSchema(type);
    // The class itself comes last; `@ApiSchema()` may give it another name.
    const [own, schema] = Object.entries(schemas).at(-1) ?? [];
    if (own === undefined || Object.keys(schema?.properties ?? {}).length === 0) return undefined;
    const definitions = Object.entries(schemas).map(
      ([name, part]) => [name, localReferences(fromOpenApi(part))] as const,
    );
    return this.components.embed({ $ref: `#/definitions/${own}`, definitions: Object.fromEntries(definitions) }, own);
  }
}

/** Checks for `Buffer`, `ArrayBuffer` and the classes of views, which are sent as they are. */
function isBytesClass(type: Type): boolean {
  const TypedArray = Object.getPrototypeOf(Uint8Array) as Type;
  return type === ArrayBuffer || type === DataView || type.prototype instanceof TypedArray;
}

/** Checks for classes such as `Map` and `BigInt`, which have no metadata. */
function isClassOfLanguage(type: Type): boolean {
  return (globalThis as Record<string, unknown>)[type.name] === type;
}

function localReferences(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (copy) =>
    typeof copy.$ref === 'string'
      ? { ...copy, $ref: copy.$ref.replace('#/components/schemas/', '#/definitions/') }
      : copy,
  ) as JsonSchema;
}

async function loadSwagger(): Promise<Swagger> {
  try {
    return (await import('@nestjs/swagger')) as unknown as Swagger;
  } catch {
    return {};
  }
}
