import { Parser } from '@asyncapi/parser';
import type { AsyncApiDocument } from 'nestjs-webwire/document';
import { createRequire } from 'node:module';

compileSchemasOnce();
const parser = new Parser();

/** Severities: 0 for errors and 1 for warnings; further ones are hints. */
const WARNING = 1;

function isComplaint({ severity }: { readonly severity: number }): boolean {
  return severity <= WARNING;
}

/** The errors and warnings of the official parser. */
export async function complaints(document: AsyncApiDocument): Promise<string[]> {
  const diagnostics = await parser.validate(JSON.stringify(document));
  return diagnostics
    .filter(isComplaint)
    .map(({ code, message, path }) => `${String(code)} at ${path.join('.')}: ${message}`);
}

/**
 * Lets the parser keep compiled schemas. By itself, it compiles the schema of AsyncAPI for each document again, which takes longer
 * than all else.
 */
function compileSchemasOnce(): void {
  const { resolve } = createRequire(import.meta.url);
  const require = createRequire(resolve('@asyncapi/parser'));
  const ajv = require('@stoplight/spectral-functions/dist/schema/ajv.js') as { createAjvInstances(): unknown };
  const instances = ajv.createAjvInstances();
  ajv.createAjvInstances = () => instances;
}
