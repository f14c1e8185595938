import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findDuplicates } from './duplicates.js';

const LIB = new URL('../../lib/', import.meta.url);

/** Names that several files may declare, with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  RULES: 'the rules of one set of options, private to the file of these options',
  utf8Encoder: 'one for Node.js and one for browsers, of which a program loads one',
  encodeUtf8: 'likewise',
};

function readLib(): Map<string, string> {
  const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replaceAll('\\', '/'));
  return new Map(files.map((file) => [file, readFileSync(new URL(file, LIB), 'utf8')]));
}

function duplicatesIn(files: Record<string, string>): string[] {
  return findDuplicates(new Map(Object.entries(files))).map(({ names, files: found }) => {
    return `${names.join(', ')}: ${found.join(', ')}`;
  });
}

describe('the names of lib', () => {
  const duplicates = findDuplicates(readLib());

  it('are declared once', () => {
    expect(duplicates.filter(({ names }) => !names.every((name) => name in EXCEPTIONS))).toEqual([]);
  });

  it('have no exception that is not needed', () => {
    const found = new Set(duplicates.flatMap(({ names }) => names));
    expect(Object.keys(EXCEPTIONS).filter((name) => !found.has(name))).toEqual([]);
  });
});

describe('the search for duplicates', () => {
  it.each([
    ['a constant', 'const LIMIT = 1;', 'export const LIMIT = 1;', 'LIMIT'],
    ['a function', 'function messageOf() {}', 'export function messageOf() {}', 'messageOf'],
    ['an arrow function', 'const messageOf = () => 1;', 'function messageOf() {}', 'messageOf'],
    ['a class', 'export class RequestError {}', 'class RequestError {}', 'RequestError'],
    ['an abstract class', 'export abstract class Store {}', 'export class Store {}', 'Store'],
    ['an enum', 'export enum Kind { A }', 'enum Kind { A }', 'Kind'],
    ['an exported interface', 'export interface Rule {}', 'export interface Rule {}', 'Rule'],
    ['an exported type', 'export type Rule = 1;', 'export type Rule = 2;', 'Rule'],
    ['an exported type and a class', 'export type Rule = 1;', 'class Rule {}', 'Rule'],
    ['a name in a pattern', 'const { a, b: [limit] } = x;', 'const limit = 1;', 'limit'],
    ['the second name of a declaration', 'let a = 1, limit = 2;', 'const limit = 1;', 'limit'],
    ['an asynchronous function', 'async function within() {}', 'function* within() {}', 'within'],
  ])('finds %s', (_, one, other, name) => {
    expect(duplicatesIn({ 'a.ts': one, 'b/c.ts': other })).toEqual([`${name}: a.ts, b/c.ts`]);
  });

  it('finds names with the same words in another order', () => {
    const files = { 'a.ts': 'const TIMER_MAX = 1;', 'b.ts': 'const MAX_TIMER = 1;' };
    expect(duplicatesIn(files)).toEqual(['MAX_TIMER, TIMER_MAX: a.ts, b.ts']);
  });

  it('lists all files', () => {
    const text = 'function describe() {}';
    expect(duplicatesIn({ 'c.ts': text, 'a.ts': text, 'b.ts': text })).toEqual(['describe: a.ts, b.ts, c.ts']);
  });

  it.each([
    ['an import', "import { limit } from './b.js';", 'export const limit = 1;'],
    ['a re-export', "export { limit } from './b.js';", 'export const limit = 1;'],
    ['private types', 'interface Entry {}', 'type Entry = 1;'],
    ['names within functions', 'function a() { const limit = 1; }', 'function b() { const limit = 1; }'],
    ['names of methods', 'class A { close() {} }', 'class B { close() {} }'],
    ['overloads in one file', 'function a(b: 1): 1; function a(b: 2): 2; function a(b: unknown) { return b; }', ''],
    ['a constant and a type of one file', 'export const Kind = {}; export type Kind = 1;', ''],
  ])('ignores %s', (_, one, other) => {
    expect(duplicatesIn({ 'a.ts': one, 'b.ts': other })).toEqual([]);
  });
});
