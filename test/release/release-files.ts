import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  changedPart,
  insertRelease,
  mergeEntries,
  newestRelease,
  readEntries,
  requiredPart,
  type Entries,
  type Part,
} from './changelog.js';

/** Has the version that clients send to servers, without the patch number. */
const CLIENT_VERSION = 'lib/client/version.ts';

const PARTS: readonly Part[] = ['patch', 'minor', 'major'];

/** The files of the repository that a release is made of. */
export class ReleaseFiles {
  /** @param root Path of the repository. */
  constructor(private readonly root: string) {}

  /**
   * Checks that the pending changes may become a version.
   *
   * @throws Error if there are no changes, a file is malformed, or the version is too small for the changes.
   */
  async check(previous: string, version: string): Promise<void> {
    await this.#entriesOf(previous, version);
  }

  /**
   * Moves all pending changes into the changelog, and writes the version that clients send.
   *
   * @param date The day of the release, such as `2026-11-26`.
   * @throws Error as `check()`.
   */
  async prepare(previous: string, version: string, date: string): Promise<void> {
    const entries = await this.#entriesOf(previous, version);
    const changelog = await this.#read('CHANGELOG.md');
    await writeFile(join(this.root, 'CHANGELOG.md'), insertRelease(changelog, { version, date }, entries));
    for (const file of await this.#pendingFiles()) await rm(join(this.root, file));
    const sent = await this.#read(CLIENT_VERSION);
    const withoutPatch = version.split('.', 2).join('.');
    await writeFile(join(this.root, CLIENT_VERSION), sent.replace(/'.*'/, `'${withoutPatch}'`));
  }

  /** Lists everything in which version, lock file, changelog and pending changes do not agree. */
  async problems(): Promise<string[]> {
    const version = await this.#version();
    const lock = JSON.parse(await this.#read('package-lock.json')) as Lock;
    const newest = newestRelease(await this.#read('CHANGELOG.md'));
    const problems: string[] = [];
    for (const locked of [lock.version, lock.packages['']?.version]) {
      if (locked !== version) problems.push(`package-lock.json has version ${locked}, package.json ${version}`);
    }
    if (newest?.version !== version) {
      problems.push(`the newest release of CHANGELOG.md is ${newest?.version}, the version of package.json ${version}`);
    }
    if (newest && !isDate(newest.date)) problems.push(`CHANGELOG.md has a release of ${newest.date}, which is no day`);
    try {
      await this.#pendingEntries(await this.#pendingFiles());
    } catch (error) {
      problems.push((error as Error).message);
    }
    return problems;
  }

  /** Lists everything because of which a tag must not be published. */
  async problemsOf(tag: string): Promise<string[]> {
    const version = await this.#version();
    const problems = await this.problems();
    if (tag !== `v${version}`)
      problems.push(`the tag is ${JSON.stringify(tag)}, but the version of package.json needs "v${version}"`);
    const pending = await this.#pendingFiles();
    if (pending.length > 0) problems.push(`not yet in CHANGELOG.md: ${pending.join(', ')}`);
    return problems;
  }

  async #entriesOf(previous: string, version: string): Promise<Entries> {
    const files = await this.#pendingFiles();
    if (files.length === 0) throw new Error('there are no files in .changes to release');
    const entries = await this.#pendingEntries(files);
    const part = changedPart(previous, version);
    const required = requiredPart(entries, previous);
    if (PARTS.indexOf(part) < PARTS.indexOf(required)) {
      throw new Error(
        `the files in .changes need a new ${required} version, but ${version} is a new ${part} of ${previous}`,
      );
    }
    return entries;
  }

  async #version(): Promise<string> {
    return (JSON.parse(await this.#read('package.json')) as { version: string }).version;
  }

  async #pendingFiles(): Promise<string[]> {
    const files = await readdir(join(this.root, '.changes'));
    return files
      .filter((file) => file !== 'README.md')
      .sort()
      .map((file) => `.changes/${file}`);
  }

  async #pendingEntries(files: readonly string[]): Promise<Entries> {
    return mergeEntries(await Promise.all(files.map(async (file) => readEntries(await this.#read(file), file))));
  }

  #read(file: string): Promise<string> {
    return readFile(join(this.root, file), 'utf8');
  }
}

interface Lock {
  readonly version: string;
  readonly packages: Readonly<Record<string, { readonly version: string }>>;
}

function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
