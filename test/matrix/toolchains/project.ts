import { copyFile, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expectOutput, type ExecOptions, type Executed, type Stage } from '../stage.js';

const APPLICATION = 'test/matrix/toolchains/application';

/** Lines that `application/main.ts` prints when everything works. */
const ANSWERS = ['reply: Hello Ada!', 'error: BAD_REQUEST', 'signal: 2', 'stream: A d a'];

const COMPILER_OPTIONS = {
  target: 'ES2023',
  module: 'nodenext',
  types: ['node'],
  rootDir: 'src',
  outDir: 'dist',
  strict: true,
  skipLibCheck: true,
  esModuleInterop: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};

/** How Node.js loads the `.js` files of a project: the `type` of its `package.json`. */
export type ModuleType = 'module' | 'commonjs';

/** The application in a folder of its own below that of a row, where its packages are installed. */
export class Project {
  private constructor(
    private readonly stage: Stage,
    private readonly folder: string,
  ) {}

  /** Makes a folder with the application in `src`. */
  static async create(stage: Stage, folder: string, type: ModuleType): Promise<Project> {
    const project = new Project(stage, folder);
    await rm(join(stage.folder, folder), { recursive: true, force: true });
    await project.write('package.json', JSON.stringify({ name: 'application', private: true, type }));
    // Some tools expect the installed packages beside the manifest.
    await symlink(join(stage.folder, 'node_modules'), join(stage.folder, folder, 'node_modules'), 'junction');
    const sources = join(stage.root, APPLICATION);
    for (const file of await readdir(sources)) {
      const text = await readFile(join(sources, file), 'utf8');
      await project.write(`src/${file}`, asWrittenIn(type, text));
    }
    return project;
  }

  write(path: string, text: string): Promise<void> {
    return this.stage.write(join(this.folder, path), text);
  }

  /** Reads a file of the repository. */
  readOriginal(path: string): Promise<string> {
    return readFile(join(this.stage.root, path), 'utf8');
  }

  /** Writes a `tsconfig.json` with the options of docs/getting-started.md, and others. */
  async configure(compilerOptions: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const config = {
      compilerOptions: { ...COMPILER_OPTIONS, ...compilerOptions },
      include: ['src'],
      exclude: ['src/*.test.ts'],
    };
    await this.write('tsconfig.json', JSON.stringify(config, null, 2));
  }

  exec(command: string, args: readonly string[], options: ExecOptions = {}): Promise<Executed> {
    return this.stage.exec(command, args, { ...options, cwd: this.folder });
  }

  /** Runs the compiler of a version: the name under which it is installed. */
  tsc(compiler: string, options: ExecOptions = {}): Promise<Executed> {
    return this.exec('node', [join(this.stage.folder, 'node_modules', compiler, 'bin/tsc'), '-p', '.'], options);
  }

  /** Runs the application, which must get its answers. */
  async run(file = 'dist/main.js'): Promise<void> {
    expectAnswers(await this.exec('node', [file]));
  }

  /** Runs a bundle in a folder from which no packages are found. */
  async runAlone(file: string): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'webwire-bundle-'));
    try {
      const bundle = join(folder, basename(file));
      await copyFile(join(this.stage.folder, this.folder, file), bundle);
      expectAnswers(await this.exec('node', [bundle]));
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}

function expectAnswers({ output }: Executed): void {
  for (const answer of ANSWERS) expectOutput(output, answer);
}

/** Sources as applications write them: in CommonJS, relative imports have no extension. */
export function asWrittenIn(type: ModuleType, text: string): string {
  return type === 'commonjs' ? text.replaceAll(/(?<= from '\.\/[^']+)\.js(?=';)/g, '') : text;
}
