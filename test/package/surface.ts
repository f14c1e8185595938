import ts from 'typescript';

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  noEmit: true,
  // Some users check the declarations.
  skipLibCheck: false,
};

/** Declarations as TypeScript reads them in a user's project. */
export class Declarations {
  readonly #program: ts.Program;

  /**
   * @param entry Path of the declarations of an entry point.
   * @param typeRoots Folders of packages like `@types/node` that the project has.
   * @param lib The `lib` option of TypeScript: the APIs of the engine.
   * @param options Further options of the project.
   */
  constructor(
    private readonly entry: string,
    typeRoots: readonly string[],
    lib: readonly string[] = OPTIONS.lib!,
    options: ts.CompilerOptions = {},
  ) {
    const types = typeRoots.length > 0 ? ['node'] : [];
    this.#program = ts.createProgram([entry], {
      ...OPTIONS,
      ...options,
      lib: [...lib],
      typeRoots: [...typeRoots],
      types,
    });
  }

  /** The names that the entry point exports, types included, sorted. */
  get names(): string[] {
    const checker = this.#program.getTypeChecker();
    const module = checker.getSymbolAtLocation(this.#program.getSourceFile(this.entry)!)!;
    return checker
      .getExportsOfModule(module)
      .map(({ name }) => name)
      .sort();
  }

  /** The errors that TypeScript finds in the files below `folder`. */
  errorsIn(folder: string): string[] {
    return this.#program
      .getSourceFiles()
      .filter(({ fileName }) => fileName.startsWith(folder))
      .flatMap((file) => [
        ...this.#program.getSyntacticDiagnostics(file),
        ...this.#program.getSemanticDiagnostics(file),
      ])
      .map(({ file, messageText }) => {
        return `${file?.fileName.slice(folder.length)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
      });
  }
}
