import type { StandardSchema } from '../contract/standard-schema.js';
import type { JsonSchema } from './json-schema.js';

/** The values that a schema takes, or those that it makes. */
export type SchemaSide = 'input' | 'output';

/** Gets what a JSON Schema cannot express, such as `the type "bigint" of zod (at "price")`. */
export type Report = (what: string) => void;

/** Standard JSON Schema, version 1 (https://standardschema.dev/json-schema), as far as it is used. */
interface JsonSchemaConverter {
  readonly jsonSchema?: Readonly<
    Record<SchemaSide, (options: { target: string; libraryOptions?: Record<string, unknown> }) => JsonSchema>
  >;
}

/** Dates are sent as JSON makes them. */
const DATE_TIME = { type: 'string', format: 'date-time' } as const;

const TARGET = 'draft-07';

/**
 * Makes a JSON Schema, draft 7, of a schema by the means of its library. Parts that it cannot express are open, and reported.
 */
export async function standardJsonSchema(
  schema: StandardSchema,
  side: SchemaSide,
  report: Report,
): Promise<JsonSchema> {
  const { vendor } = schema['~standard'];
  const { jsonSchema } = schema['~standard'] as JsonSchemaConverter;
  try {
    if (jsonSchema) return jsonSchema[side]({ target: TARGET, libraryOptions: optionsOf(vendor, side, report) });
    if (vendor === 'valibot') return await fromValibot(schema, side, report);
    if (vendor === 'arktype') return fromArktype(schema, report);
    report(`schemas of ${vendor}, which offer no JSON Schema`);
  } catch (error) {
    report(
      `the schema, of which ${vendor} makes no JSON Schema (${error instanceof Error ? error.message : 'unknown error'})`,
    );
  }
  return {};
}

function optionsOf(vendor: string, side: SchemaSide, report: Report): Record<string, unknown> | undefined {
  if (vendor === 'zod') return zodOptions(side, report);
  return vendor === 'arktype' ? arktypeOptions(report) : undefined;
}

interface ZodContext {
  readonly zodSchema: { readonly _zod: { readonly def: { readonly type: string } } };
  readonly path?: readonly (string | number)[] | undefined;
}

function zodOptions(side: SchemaSide, report: Report): Record<string, unknown> {
  return {
    unrepresentable({ zodSchema, path }: ZodContext): unknown {
      // oxlint-disable-next-line eslint/no-underscore-dangle -- what zod documents for such functions
      const { type } = zodSchema._zod.def;
      if (type === 'date' && side === 'output') return DATE_TIME;
      // The property may be left out, which the schema around it says.
      if (type !== 'undefined' && type !== 'void') report(`the type "${type}" of zod${placeOf(path ?? [])}`);
      return 'any';
    },
  };
}

/** `path` is that in the JSON Schema, such as `properties`, `price`. */
function placeOf(path: readonly (string | number)[]): string {
  const names = path.filter((name, index) => name !== 'properties' || path[index - 1] === 'properties');
  return names.length === 0 ? '' : ` (at ${JSON.stringify(names.join('.'))})`;
}

interface ArktypeContext {
  readonly code: string;
  readonly base: JsonSchema;
}

function arktypeOptions(report: Report): Record<string, unknown> {
  return {
    fallback({ code, base }: ArktypeContext): JsonSchema {
      if (code === 'date') return DATE_TIME;
      report(`the kind "${code}" of arktype`);
      return base;
    },
  };
}

/** Versions of arktype before 2.1.28 do not offer the standard. */
function fromArktype(schema: StandardSchema, report: Report): JsonSchema {
  return (schema as unknown as { toJsonSchema(options: object): JsonSchema }).toJsonSchema(arktypeOptions(report));
}

/** Transformations of valibot that change values, but not their types. */
const KEEPING = new Set(
  (
    'trim trim_start trim_end to_lower_case to_upper_case normalize to_min_value to_max_value filter_items sort_items ' +
    'brand flavor readonly guard'
  ).split(' '),
);

/** Transformations of valibot whose results are of one type. */
const MAKING = new Map<string, { type: 'string' | 'number' | 'boolean' }>([
  ['to_string', { type: 'string' }],
  ['stringify_json', { type: 'string' }],
  ['to_number', { type: 'number' }],
  ['to_boolean', { type: 'boolean' }],
]);

async function fromValibot(schema: StandardSchema, side: SchemaSide, report: Report): Promise<JsonSchema> {
  let toJsonSchema: typeof import('@valibot/to-json-schema').toJsonSchema;
  try {
    ({ toJsonSchema } = await import('@valibot/to-json-schema'));
  } catch {
    report('schemas of valibot, as the package @valibot/to-json-schema is not installed');
    return {};
  }
  return toJsonSchema(schema as never, {
    target: TARGET,
    typeMode: side,
    errorMode: 'ignore',
    overrideSchema({ valibotSchema: { type }, errors }) {
      if (!errors) return undefined;
      if (type === 'date' && side === 'output') return { ...DATE_TIME };
      if (type !== 'undefined' && type !== 'void') report(`the type "${type}" of valibot`);
      return undefined;
    },
    overrideAction({ valibotAction: { kind, type }, errors }) {
      // A check narrows the values, but does not change what they are.
      if (!errors || kind !== 'transformation' || KEEPING.has(type)) return undefined;
      const made = MAKING.get(type);
      if (!made) report(`the action "${type}" of valibot`);
      // The schema before the transformation is not that of its result.
      return { ...made };
    },
  }) as JsonSchema;
}
