import { execFile } from 'node:child_process';
import type { Dirent } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NAME = 'nestjs-webwire';

/** Folders that are not copied, in addition to those whose names begin with a dot. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'coverage']);

/**
 * `npm run test:matrix` sets this: `dist` was built with other versions of Nest than the installed one, as that of a user was.
 */
const IS_BUILT = process.env.WEBWIRE_BUILT === '1';

const run = promisify(execFile);

export interface Manifest {
  readonly bin: Record<string, string>;
  readonly exports: Record<string, string | Record<string, string>>;
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly peerDependenciesMeta: Record<string, { readonly optional?: boolean }>;
}

/**
 * The package as users get it: built and packed from a copy of the repository, outside of it, and installed into two
 * projects. Paths are those inside of the package, with slashes.
 */
export class PackedPackage {
  private constructor(
    private readonly folder: string,
    readonly manifest: Manifest,
    /** Path of the tarball. */
    readonly tarball: string,
    /** The files in it, sorted. */
    readonly files: readonly string[],
    /** The sources from which it was built. */
    readonly sources: readonly string[],
  ) {}

  static async create(): Promise<PackedPackage> {
    const folder = await mkdtemp(join(tmpdir(), `${NAME}-`));
    try {
      const packed = await PackedPackage.#build(folder);
      await packed.#install();
      return packed;
    } catch (error) {
      await rm(folder, { recursive: true });
      throw error;
    }
  }

  static async #build(folder: string): Promise<PackedPackage> {
    const copy = join(folder, 'copy');
    await copyRepository(copy);
    if (IS_BUILT) await cp(join(ROOT, 'dist'), join(copy, 'dist'), { recursive: true });
    else await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'lib'], { cwd: copy });
    const { filename, files } = await pack(copy);
    return new PackedPackage(
      folder,
      JSON.parse(await readFile(join(copy, 'package.json'), 'utf8')) as Manifest,
      join(copy, filename),
      files.map(({ path }) => path).sort(),
      await listSources(join(copy, 'lib')),
    );
  }

  /** A project with the package, its dependencies and its peers only. */
  get project(): string {
    return join(this.folder, 'project');
  }

  /** A project with the package only. */
  get bareProject(): string {
    return join(this.folder, 'bare-project');
  }

  /** The path of a file of the package in a project. */
  locate(file: string, project: string = this.project): string {
    return join(project, 'node_modules', NAME, file);
  }

  /** Reads a file of the package. */
  read(file: string): Promise<string> {
    return readFile(this.locate(file), 'utf8');
  }

  /** Runs a program in a project, and returns what it prints as JSON. */
  async evaluate(kind: 'module' | 'commonjs', program: string, project: string = this.project): Promise<unknown> {
    const { stdout } = await run(process.execPath, [`--input-type=${kind}`, '-e', program], { cwd: project });
    return JSON.parse(stdout);
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  async #install(): Promise<void> {
    for (const project of [this.project, this.bareProject]) {
      await mkdir(this.locate('', project), { recursive: true });
      await run('tar', ['-xzf', this.tarball, '-C', this.locate('', project), '--strip-components=1']);
    }
    const { dependencies, peerDependencies } = this.manifest;
    for (const name of [...Object.keys(dependencies), ...Object.keys(peerDependencies)]) {
      await link(`node_modules/${name}`, join(this.project, 'node_modules', name));
    }
  }
}

/** Runs a command-line tool of the repository, and returns what it prints. It must succeed. */
export async function runTool(script: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules', script), ...args], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

/** The folder of a package that is installed in the repository. */
export function installed(name: string): string {
  return join(ROOT, 'node_modules', name);
}

/** Makes a folder a copy of the repository, without `dist`, and with the packages that are installed there. */
export async function copyRepository(copy: string): Promise<void> {
  await mkdir(copy);
  const entries = await readdir(ROOT, { withFileTypes: true });
  const isCopied = (entry: Dirent) => entry.isFile() || !(LEFT_OUT.has(entry.name) || entry.name.startsWith('.'));
  for (const { name } of entries.filter(isCopied)) {
    await cp(join(ROOT, name), join(copy, name), { recursive: true });
  }
  await link('node_modules', join(copy, 'node_modules'));
}

async function link(path: string, from: string): Promise<void> {
  await mkdir(dirname(from), { recursive: true });
  await symlink(join(ROOT, path), from, 'junction');
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

async function pack(folder: string): Promise<Packed> {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json'], {
    cwd: folder,
    shell: process.platform === 'win32',
  });
  const [packed] = JSON.parse(stdout) as [Packed];
  return packed;
}

async function listSources(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => file.endsWith('.ts')).map((file) => file.split(sep).join('/'));
}
