import type { StandardSchema } from '../contract/standard-schema.js';
import type { JsonSchema } from './json-schema.js';

/** The values that a schema takes, or those that it makes. */
export type SchemaSide = 'input' | 'output';

/** Gets what a JSON Schema cannot express, such as `a bigint at price`. */
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
      if (type !== 'undefined' && type !== 'void') report(`a ${type}${placeOf(path ?? [])}`);
      return 'any';
    },
  };
}

/** `path` is that in the JSON Schema, such as `properties`, `price`. */
function placeOf(path: readonly (string | number)[]): string {
  const names = path.filter((name, index) => name !== 'properties' || path[index - 1] === 'properties');
  return names.length === 0 ? '' : ` at ${names.join('.')}`;
}

interface ArktypeContext {
  readonly code: string;
  readonly base: JsonSchema;
}

function arktypeOptions(report: Report): Record<string, unknown> {
  return {
    fallback({ code, base }: ArktypeContext): JsonSchema {
      if (code === 'date') return DATE_TIME;
      report(`a part of another kind (${code})`);
      return base;
    },
  };
}

/** Versions of arktype before 2.1.28 do not offer the standard. */
function fromArktype(schema: StandardSchema, report: Report): JsonSchema {
  return (schema as unknown as { toJsonSchema(options: object): JsonSchema }).toJsonSchema(arktypeOptions(report));
}

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
      if (type !== 'undefined' && type !== 'void') report(`a ${type}`);
      return undefined;
    },
    overrideAction({ valibotAction: { type }, errors }) {
      // A check of the application narrows the values, but does not change what they are.
      if (errors && type !== 'check' && type !== 'raw_check') report(`the action ${type}`);
      return undefined;
    },
  }) as JsonSchema;
}
