import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve as resolvePath } from 'node:path';

/** A command may take so long, in ms. */
const COMMAND_TIMEOUT = 45 * 60_000;

/** A program may take so long to say that it is ready, in ms. */
const START_TIMEOUT = 60_000;

/** So many lines of a command's output are shown when it fails. */
const SHOWN_LINES = 60;

/** Without the tools of the repository, which `npm run` puts before all others. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

/** Without what `npm run` sets for the repository. */
const ENVIRONMENT = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_(?!config_)|npm_config_local|INIT_CWD)/.test(name)),
  ),
  NO_COLOR: '1',
};

/** The file that holds the hash of what `install()` installed. */
const INSTALLED = '.installed';

export interface ExecOptions {
  /** A path that starts at the folder of the row (default: the folder itself). */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The command must exit with another code than 0 (default: `false`). */
  readonly fails?: boolean;
  /** Either result is the caller's affair (default: `false`). */
  readonly mayFail?: boolean;
}

export interface Executed {
  /** Standard output and standard error. */
  readonly output: string;
  readonly code: number;
}

/** A program that runs until the row ends. */
export interface Started {
  readonly match: RegExpExecArray;
  /** Sends a signal and waits until the program has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** The content of a `package.json`. */
export type Manifest = Readonly<Record<string, unknown>>;

export interface InstallOptions {
  /** The content of `package-lock.json` to start from (default: none, so that npm takes the newest versions). */
  readonly lock?: Manifest;
  /** Manifests of workspaces by their folders (default: none). */
  readonly workspaces?: Readonly<Record<string, Manifest>>;
}

/** What a row works with: a folder of its own, commands, and the packed package. */
export class Stage {
  readonly #children = new Set<ChildProcess>();
  #path = PATH;

  constructor(
    /** The repository. */
    readonly root: string,
    /** The folder of the row. It keeps its content from run to run. */
    readonly folder: string,
    /** `true` in a run with `--ci`: a row may then check less. */
    readonly isCi: boolean,
    private readonly pack: () => Promise<string>,
  ) {}

  /** The package as npm would publish it: a `file:` specifier of a tarball that was built from the repository. */
  async tarball(): Promise<string> {
    return `file:${await this.pack()}`;
  }

  /** Writes a text file into the folder. */
  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.folder, path)), { recursive: true });
    await writeFile(join(this.folder, path), text);
  }

  /**
   * Copies a file or folder of the repository into the folder, in place of one that is there.
   * @param to Path in the folder (default: the same).
   */
  async copy(path: string, to: string = path): Promise<void> {
    const source = join(this.root, path);
    const target = join(this.folder, to);
    const isCopied = (from: string) => from === source || !/[\\/](node_modules|dist)$/.test(from);
    await rm(target, { recursive: true, force: true });
    await cp(source, target, { recursive: true, filter: isCopied });
  }

  /**
   * Writes `package.json` and lets npm install it, unless the same is installed already; then `npm ls` must be content.
   */
  async install(manifest: Manifest, { lock, workspaces = {} }: InstallOptions = {}): Promise<void> {
    const root = { name: 'webwire-matrix', version: '0.0.0', private: true, ...manifest };
    const files = { ...workspaces, '.': root };
    for (const [path, content] of Object.entries(files)) {
      await this.write(join(path, 'package.json'), JSON.stringify(content, null, 2));
    }
    const marker = join(this.folder, INSTALLED);
    const hash = createHash('sha256')
      .update(JSON.stringify([files, lock]))
      .digest('hex');
    if ((await readFile(marker, 'utf8').catch(() => '')) === hash) return;
    await rm(marker, { force: true });
    await rm(join(this.folder, 'package-lock.json'), { force: true });
    if (lock) await this.write('package-lock.json', JSON.stringify(lock, null, 2));
    await this.exec('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline']);
    await this.exec('npm', ['ls', '--all']);
    await writeFile(marker, hash);
  }

  /** Puts a folder before all others in which programs are searched, for all commands from now on. */
  usePath(folder: string): void {
    this.#path = folder + delimiter + this.#path;
  }

  /** Runs a command to its end. Rejects, with the end of its output, unless it ended as `options` say. */
  async exec(command: string, args: readonly string[], options: ExecOptions = {}): Promise<Executed> {
    const child = await this.#spawn(command, args, options);
    const timer = setTimeout(() => kill(child, 'SIGKILL'), COMMAND_TIMEOUT);
    let output = '';
    collect(child, (text) => (output += text));
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    clearTimeout(timer);
    await this.#log(`${output}\n-> ${code ?? signal}\n`);
    const hasFailed = code !== 0;
    if (!options.mayFail && hasFailed !== (options.fails ?? false)) {
      const tail = output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
      throw new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}\n${tail}`);
    }
    return { output, code: code ?? 1 };
  }

  /** Starts a program, and waits until it has printed something that matches `ready`. */
  async start(command: string, args: readonly string[], ready: RegExp, options: ExecOptions = {}): Promise<Started> {
    const child = await this.#spawn(command, args, options);
    const ended = once(child, 'close');
    const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
      kill(child, signal);
      await ended;
    };
    let output = '';
    const match = await new Promise<RegExpExecArray>((resolve, reject) => {
      const fail = (cause: string) =>
        reject(new Error(`${command} ${args.join(' ')} ${cause}, but it should have printed ${ready}\n${output}`));
      const timer = setTimeout(fail, START_TIMEOUT, `printed this within ${START_TIMEOUT} ms`);
      child.once('close', () => {
        clearTimeout(timer);
        fail('ended');
      });
      collect(child, (text) => {
        output += text;
        const found = ready.exec(output);
        if (!found) return;
        clearTimeout(timer);
        resolve(found);
      });
    });
    return { match, stop };
  }

  /** Ends all programs that still run. */
  async close(): Promise<void> {
    const running = [...this.#children].map((child) => once(child, 'close'));
    for (const child of this.#children) kill(child, 'SIGKILL');
    await Promise.all(running);
  }

  async #spawn(command: string, args: readonly string[], { cwd = '.', env }: ExecOptions): Promise<ChildProcess> {
    await this.#log(`$ ${command} ${args.join(' ')}\n`);
    const child = spawn(command, [...args], {
      cwd: resolvePath(this.folder, cwd),
      env: { ...ENVIRONMENT, ...env, PATH: this.#path },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that its children end with it.
      detached: true,
    });
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    await once(child, 'spawn');
    return child;
  }

  async #log(text: string): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await appendFile(join(this.folder, 'log.txt'), text);
  }
}

/** Fails unless a text contains another one. */
export function expectOutput(output: string, part: string): void {
  if (!output.includes(part)) throw new Error(`expected ${JSON.stringify(part)} in:\n${output}`);
}

function collect(child: ChildProcess, take: (text: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) stream!.setEncoding('utf8').on('data', take);
}

function kill({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (exitCode !== null || signalCode !== null) return;
  process.kill(-pid!, signal);
}
