import ts from 'typescript';
import type { Sources } from './import-rule.js';

/** A name that several files declare. */
export interface Duplicate {
  /** One name, or several that consist of the same words: `MAX_TIMER` and `TIMER_MAX`. */
  readonly names: readonly string[];
  readonly files: readonly string[];
}

/**
 * Lists the names that several files declare at their top level: constants, functions, classes and enums, exported or not, and
 * exported types. Types that are not exported only describe the code of their file, so they do not count.
 */
export function findDuplicates(sources: Sources): Duplicate[] {
  const groups = new Map<string, { names: Set<string>; files: Set<string> }>();
  for (const [file, text] of sources) {
    for (const name of declaredNames(text)) {
      const key = sortedWords(name);
      const group = groups.get(key) ?? { names: new Set(), files: new Set() };
      groups.set(key, group);
      group.names.add(name);
      group.files.add(file);
    }
  }
  return [...groups.values()]
    .filter(({ files }) => files.size > 1)
    .map(({ names, files }) => ({ names: [...names].sort(), files: [...files].sort() }));
}

function declaredNames(text: string): string[] {
  return ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest).statements.flatMap(namesOf);
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
  }
  const isValue =
    ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) || ts.isEnumDeclaration(statement);
  const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
  return (isValue || (isType && isExported(statement))) && statement.name ? [statement.name.text] : [];
}

function isExported({ modifiers }: ts.InterfaceDeclaration | ts.TypeAliasDeclaration): boolean {
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

/** The names of a declaration, which may be a pattern: `const { a, b: [c] } = …`. */
function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundNames(element.name) : []));
}

/** Equal for constants whose names consist of the same words. Other names are returned as they are. */
function sortedWords(name: string): string {
  if (name !== name.toUpperCase()) return name;
  return name.split('_').sort().join('_');
}
