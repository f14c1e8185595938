/**
 * A schema of any library that implements Standard Schema, version 1, such as zod, valibot or arktype
 * (https://standardschema.dev).
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The result of a validation: the value, which the schema may have transformed, or the issues. */
export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

/** A reason why a value does not fit a schema, and the path to it. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A schema, or none: nothing is sent. */
export type OptionalSchema = StandardSchema | undefined;

/** The values that a schema takes, before it transforms them; `void` without a schema. */
export type SchemaInput<Schema> = Schema extends StandardSchema
  ? NonNullable<Schema['~standard']['types']>['input']
  : void;

/** The values that a schema makes; `void` without a schema. */
export type SchemaOutput<Schema> = Schema extends StandardSchema
  ? NonNullable<Schema['~standard']['types']>['output']
  : void;
