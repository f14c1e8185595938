import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installCopy, makeProgramFolder } from '../support/program-folder.js';

const PAGE = fileURLToPath(new URL('../../docs/testing-pages.md', import.meta.url));
const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url));

/** The settings of a project that Vite has made, and the one that the page adds. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'esnext',
    lib: ['ES2023', 'DOM'],
    types: [],
    skipLibCheck: true,
    moduleResolution: 'bundler',
    verbatimModuleSyntax: true,
    strict: true,
    noEmit: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    experimentalDecorators: true,
  },
  include: ['src'],
};

interface Results {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly testResults: readonly { readonly message: string }[];
}

const page = readFileSync(PAGE, 'utf8');
const files = [...page.matchAll(/`([\w./-]+)`:\n\n```\w+\n([^]*?)^```/gm)].map(
  ([, file, code]) => [file!, code!] as const,
);

describe('the code of docs/testing-pages.md', { timeout: 120_000 }, () => {
  let folder: string;

  beforeAll(async () => {
    folder = await makeProgramFolder('testing-pages-');
    await installCopy(folder);
    for (const [file, text] of [...files, ['tsconfig.json', JSON.stringify(TSCONFIG)] as const]) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs a program of a package without the variables that Vitest has set here. */
  async function run(program: string, ...args: string[]): Promise<string> {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^VITEST|^NODE_ENV$/.test(name)));
    const running = promisify(execFile)(process.execPath, [MODULES + program, ...args], { cwd: folder, env });
    return running.then(
      ({ stdout }) => stdout,
      ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout || stderr,
    );
  }

  it('is in files, but for the command that installs packages', () => {
    expect(files).toHaveLength(page.match(/^```\w+$/gm)!.length - 1);
  });

  it('compiles', async () => {
    expect(await run('typescript/bin/tsc', '-p', '.')).toBe('');
  });

  it.each([
    ['in the environments that it names', []],
    ['in jsdom', ['--environment', 'jsdom']],
  ])('passes %s', async (_name, args) => {
    const output = await run('vitest/vitest.mjs', 'run', '--reporter=json', ...args);
    const { success, numPassedTests, testResults } = JSON.parse(output) as Results;
    expect(testResults.map(({ message }) => message).join('')).toBe('');
    expect([success, numPassedTests]).toEqual([true, 7]);
  });
});
