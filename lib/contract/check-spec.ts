import type { RESERVED_PREFIX } from '../protocol/extensions.js';
import type { MAX_ERROR_CODE_LENGTH, MAX_NAME_LENGTH } from '../protocol/limits.js';
import type { ContractEntry } from './entries.js';
import { isSchema } from './validate.js';

// The types of the constants make sure that they are those of the protocol, of which nothing else is loaded.
const RESERVED_NAME_PREFIX: typeof RESERVED_PREFIX = 'wwr:';
const NAME_LENGTH: typeof MAX_NAME_LENGTH = 255;
const CODE_LENGTH: typeof MAX_ERROR_CODE_LENGTH = 255;

const PRINTABLE_ASCII = /^[ -~]*$/;

interface PartRule {
  readonly kind: ContractEntry['kind'];
  /** The members that hold schemas. */
  readonly schemas: readonly string[];
  /** True if entries may have `errors`. */
  readonly hasErrors: boolean;
}

/** The parts of a contract. */
export const PARTS = {
  requests: { kind: 'request', schemas: ['body', 'reply'], hasErrors: true },
  streams: { kind: 'stream', schemas: ['body', 'item'], hasErrors: true },
  signals: { kind: 'signal', schemas: ['body'], hasErrors: false },
  serverSignals: { kind: 'serverSignal', schemas: ['body'], hasErrors: false },
} as const satisfies Record<string, PartRule>;

export type Part = keyof typeof PARTS;

const DETAILS = { summary: 'string', description: 'string', deprecated: 'boolean' } as const;

/**
 * Checks the argument of `defineContract()`.
 * @throws TypeError that names the place and the allowed values.
 */
export function checkSpec(spec: unknown): void {
  assertObject('the argument of defineContract()', spec, `an object with ${Object.keys(PARTS).join(', ')}`);
  assertMembers('the contract', spec, Object.keys(PARTS));
  for (const part of Object.keys(PARTS) as Part[]) {
    const entries = spec[part];
    if (entries === undefined) continue;
    assertObject(part, entries, 'an object of entries by name');
    for (const [name, entry] of Object.entries(entries)) {
      assertEntryName(part, name, entry);
      checkEntry(`${part}[${JSON.stringify(name)}]`, PARTS[part], entry);
    }
  }
  // A stream is opened by a request.
  const twice = Object.keys(spec.streams ?? {}).find((name) => Object.hasOwn(spec.requests ?? {}, name));
  if (twice !== undefined)
    throw new TypeError(`${JSON.stringify(twice)} is the name of both a request and a stream of one contract`);
}

function checkEntry(place: string, { schemas, hasErrors }: PartRule, entry: unknown): void {
  const example = `{ ${schemas.map((name) => `${name}: schema`).join(', ')} }`;
  if (isSchema(entry)) throw new TypeError(`${place} is a schema, but must be an entry, such as ${example}`);
  assertObject(place, entry, `an entry, such as ${example}`);
  assertMembers(place, entry, [...schemas, ...(hasErrors ? ['errors'] : []), ...Object.keys(DETAILS)]);
  for (const name of schemas) {
    // `undefined` is no schema: it comes from files that import each other, and would switch the validation off.
    if (!(name in entry) || isSchema(entry[name])) continue;
    throw notAllowed(
      `${place}.${name}`,
      entry[name],
      'a schema that implements Standard Schema (zod, valibot, arktype, …)',
    );
  }
  for (const [name, type] of Object.entries(DETAILS)) {
    const value = entry[name];
    if (value !== undefined && typeof value !== type) throw notAllowed(`${place}.${name}`, value, `a ${type}`);
  }
  if (hasErrors && entry.errors !== undefined) checkErrors(`${place}.errors`, entry.errors);
}

function checkErrors(place: string, errors: unknown): void {
  assertObject(place, errors, 'an object of meanings by code');
  for (const [code, meaning] of Object.entries(errors)) {
    if (code === '' || code.length > CODE_LENGTH || !PRINTABLE_ASCII.test(code)) {
      throw new TypeError(
        `${place}: the code ${JSON.stringify(code)} must be 1 to ${CODE_LENGTH} printable ASCII characters`,
      );
    }
    if (typeof meaning !== 'string') throw notAllowed(`${place}[${JSON.stringify(code)}]`, meaning, 'a string');
  }
}

function assertEntryName(part: Part, name: string, entry: unknown): void {
  const shown = `${part}: ${JSON.stringify(name.slice(0, NAME_LENGTH))}`;
  if (name.length > NAME_LENGTH || !PRINTABLE_ASCII.test(name)) {
    throw new TypeError(`${shown} cannot be a name: names are at most ${NAME_LENGTH} printable ASCII characters`);
  }
  if (name.startsWith(RESERVED_NAME_PREFIX))
    throw new TypeError(`${shown} cannot be a name: those that begin with "${RESERVED_NAME_PREFIX}" are reserved`);
  if (name === '' && (entry as { body?: unknown } | null)?.body === undefined) {
    throw new TypeError(`${shown} cannot be the name of an entry without a body: one of both must not be empty`);
  }
}

function assertMembers(place: string, value: Record<string, unknown>, allowed: readonly string[]): void {
  const unknown = Object.keys(value).find((name) => !allowed.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${place} has the member ${JSON.stringify(unknown)}, but may only have ${allowed.join(', ')}`);
}

function assertObject(place: string, value: unknown, allowed: string): asserts value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notAllowed(place, value, allowed);
}

function notAllowed(place: string, value: unknown, allowed: string): TypeError {
  const shown = value === null || typeof value === 'undefined' ? String(value) : `of type ${typeof value}`;
  const hint = value === undefined ? ' (do two files import each other?)' : '';
  return new TypeError(`${place} is ${shown}, but must be ${allowed}${hint}`);
}
