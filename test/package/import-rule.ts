import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';

/** The allowed imports of the files of a folder, in addition to each other. */
export interface FolderRule {
  /** Other folders of the sources. */
  readonly folders: readonly string[];
  /** Packages by name, or scopes. */
  readonly packages: readonly string[] | 'any';
  /** True if modules of Node.js are allowed. */
  readonly node: boolean;
}

/** Rules by folder. The files that are in no folder go by the name of `.`. */
export type ImportRules = Readonly<Record<string, FolderRule>>;

/** Source files by path, such as `server/connection.ts`. */
export type Sources = ReadonlyMap<string, string>;

/** Lists the imports that the rules do not allow, and the folders that have no rule. */
export function findViolations(sources: Sources, rules: ImportRules): string[] {
  return [...sources].flatMap(([file, text]) => {
    const folder = folderOf(file);
    const rule = rules[folder];
    if (!rule) return [`${file} is in a folder without a rule`];
    return specifiersOf(text)
      .filter((specifier) => !isAllowed(rule, folder, file, specifier))
      .map((specifier) => `${file} imports ${specifier}`);
  });
}

/** Lists the folders that import each other in a circle, or lead into one. */
export function findFolderCycles(sources: Sources): string[] {
  const imported = new Map<string, Set<string>>();
  for (const [file, text] of sources) {
    const folder = folderOf(file);
    const folders = imported.get(folder) ?? new Set<string>();
    imported.set(folder, folders);
    for (const target of targetsOf(file, text)) if (folderOf(target) !== folder) folders.add(folderOf(target));
  }
  // A folder that imports none of those left cannot be part of a circle.
  for (;;) {
    const free = [...imported].filter(([, folders]) => ![...folders].some((folder) => imported.has(folder)));
    if (free.length === 0) return [...imported.keys()].sort();
    for (const [folder] of free) imported.delete(folder);
  }
}

/**
 * Lists the files that import each other in a circle, types included: one line for each circle, the files of a line being
 * those from which each other one can be reached.
 */
export function findFileCycles(sources: Sources): string[] {
  const reached = new Map([...sources.keys()].map((file) => [file, reachableThrough(file, sources)]));
  const circles = [...reached].flatMap(([file, targets]) => {
    if (!targets.has(file)) return [];
    return [
      [...targets]
        .filter((target) => reached.get(target)?.has(file))
        .sort()
        .join(' ↔ '),
    ];
  });
  return [...new Set(circles)].sort();
}

/** Lists the imports of non-public parts of Nest, such as `@nestjs/core/internal`, except in the file `allowed`. */
export function findNestInternals(sources: Sources, allowed: string): string[] {
  return [...sources].flatMap(([file, text]) =>
    file === allowed
      ? []
      : specifiersOf(text)
          .filter((specifier) => /^@nestjs\/[^/]+\//.test(specifier))
          .map((specifier) => `${file} imports ${specifier}`),
  );
}

/** Lists the imports with which the files of a folder, at any depth, leave it. Node's own modules are allowed. */
export function findOutsideImports(sources: Sources, folder: string): string[] {
  const isInside = (file: string) => file.startsWith(`${folder}/`);
  return [...sources]
    .filter(([file]) => isInside(file))
    .flatMap(([file, text]) =>
      specifiersOf(text)
        .filter((specifier) => !(isRelative(specifier) ? isInside(resolve(file, specifier)) : isBuiltin(specifier)))
        .map((specifier) => `${file} imports ${specifier}`),
    );
}

/** Lists the files that are loaded, or whose types are read, with `entry`, itself included. */
export function reachableFrom(entry: string, sources: Sources): string[] {
  const reached = new Set([entry]);
  for (const file of reached) {
    for (const target of targetsOf(file, sources.get(file) ?? '')) reached.add(target);
  }
  return [...reached].sort();
}

/** The files that `file` imports, directly or through others: itself only if it is part of a circle. */
function reachableThrough(file: string, sources: Sources): Set<string> {
  const reached = new Set(targetsOf(file, sources.get(file) ?? ''));
  for (const next of reached) {
    for (const target of targetsOf(next, sources.get(next) ?? '')) reached.add(target);
  }
  return reached;
}

function isAllowed(rule: FolderRule, folder: string, file: string, specifier: string): boolean {
  if (isRelative(specifier)) {
    const target = folderOf(resolve(file, specifier));
    return target === folder || rule.folders.includes(target);
  }
  if (isBuiltin(specifier)) return rule.node;
  return (
    rule.packages === 'any' || rule.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))
  );
}

function targetsOf(file: string, text: string): string[] {
  return specifiersOf(text)
    .filter(isRelative)
    .map((specifier) => resolve(file, specifier));
}

/** All imports of a file, including those of types, re-exports and `import()`. */
function specifiersOf(text: string): string[] {
  const { importedFiles, referencedFiles, typeReferenceDirectives } = ts.preProcessFile(text, true, true);
  return [...importedFiles, ...referencedFiles, ...typeReferenceDirectives].map(({ fileName }) => fileName);
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}

function resolve(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}

/** Files outside of the sources are in the folder `..`. */
function folderOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : '.';
}
