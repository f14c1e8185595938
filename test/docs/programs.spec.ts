import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProgramFolder } from '../support/program-folder.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { contexts, withImports } from './contexts.js';

/** The programs that need Redis, at this address. */
const REDIS_URL = 'redis://localhost:6379';
const usesRedis = (code: string) => code.includes(REDIS_URL);

const programs = [...contexts].filter(([, { output }]) => output !== undefined);
const withRedis = programs.filter(([, { code }]) => usesRedis(code));
const withoutRedis = programs.filter(([, { code }]) => !usesRedis(code));

/** Precedes the output of each program. */
const TITLE = '\u0001 program ';

/** Imports the programs that it is given, one after the other, and writes a file with the functions that were not called. */
const RUNNER = `
import { ConsoleLogger, Logger } from '@nestjs/common';
import cluster from 'node:cluster';
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
const [report, ...files] = process.argv.slice(2);
process.on('exit', () => {
  if (cluster.isWorker) return;
  session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
    const own = result.filter(({ url }) => url.startsWith(new URL('.', import.meta.url).href));
    const uncalled = own.map(({ url, functions }) => [
      url.slice(url.lastIndexOf('/') + 1),
      // Fields are part of their class: code of pages need not make an object of it.
      functions.filter(({ functionName, ranges: [{ count }] }) => count === 0 && !functionName.startsWith('<')).map(({ ranges: [{ startOffset }] }) => startOffset),
    ]);
    writeFileSync(report, JSON.stringify(Object.fromEntries(uncalled)));
  });
});
process.stderr.write = process.stdout.write.bind(process.stdout);
let hasFailed = false;
for (const file of files) {
  if (cluster.isPrimary) console.log(${JSON.stringify(TITLE)} + file);
  Logger.overrideLogger(new ConsoleLogger('', { colors: false, logLevels: ['error', 'warn'] }));
  await import('./' + file).catch((error) => {
    console.log(error);
    hasFailed = true;
  });
}
// What the program has opened would keep the process alive.
if (hasFailed) process.exit(1);
`;

/** The end of a process that has run programs. */
interface Run {
  readonly code: number | null;
  /** The output of each program, by its name. */
  readonly outputs: ReadonlyMap<string, string>;
  /** The offsets of functions that were not called, by the file of the program. */
  readonly uncalled: Readonly<Record<string, readonly number[] | undefined>>;
}

const fileOf = (name: string) => name.replace(/tsx?$/, 'js');

describe('the code of the documents runs', () => {
  let folder: string;
  /** The processes of the programs without Redis, by the names of programs. */
  const runs = new Map<string, Promise<Run>>();

  beforeAll(async () => {
    // Within the package, so that programs import the built package by its name.
    folder = await makeProgramFolder('documents-');
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'runner.js'), RUNNER);
    await Promise.all([...contexts].map(([name, { code }]) => compile(name, code)));
    const alone = withoutRedis.filter(([, { isAlone }]) => isAlone).map(([name]) => [name]);
    const shared = withoutRedis.filter(([, { isAlone }]) => !isAlone).map(([name]) => name);
    const half = Math.ceil(shared.length / 2);
    // Two processes at a time, one after the other in each list.
    for (const lane of [
      [shared.slice(0, half), ...alone.filter((_, index) => index % 2 === 0)],
      [shared.slice(half), ...alone.filter((_, index) => index % 2 === 1)],
    ]) {
      let previous: Promise<unknown> = Promise.resolve();
      for (const names of lane) {
        const run = previous.then(() => runPrograms(names));
        for (const name of names) runs.set(name, run);
        previous = run;
      }
    }
  });
  afterAll(async () => {
    await Promise.allSettled(runs.values());
    await rm(folder, { recursive: true });
  });

  async function compile(name: string, code: string): Promise<void> {
    const { outputText, sourceMapText } = ts.transpileModule(code, {
      fileName: name,
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        jsx: ts.JsxEmit.ReactJSX,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        sourceMap: true,
      },
    });
    await writeFile(join(folder, fileOf(name)), outputText);
    await writeFile(join(folder, `${fileOf(name)}.map`), sourceMapText!);
  }

  /** Runs programs in one process, one after the other, to its end. */
  async function runPrograms(names: readonly string[]): Promise<Run> {
    const report = join(folder, `${names[0]}.json`);
    const child = spawn(process.execPath, ['runner.js', report, ...names.map(fileOf)], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 50_000, // less than that of a test, so that a program that hangs is ended
    });
    const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
    // Spaces at the ends of lines are not in contexts.
    const outputs = printed.replaceAll(/ +$/gm, '').split(TITLE).slice(1);
    return {
      code,
      outputs: new Map(names.map((name, index) => [name, outputs[index]?.replace(/^.*\n/, '') ?? 'was not run'])),
      uncalled: JSON.parse(await readFile(report, 'utf8').catch(() => '{}')) as Run['uncalled'],
    };
  }

  /** The functions within code of the pages that a program has not called, by their first lines. */
  async function uncalledOf(name: string, { uncalled }: Run): Promise<string[]> {
    const found = withImports(name).map(async (file) => {
      const { code, excerpts } = contexts.get(file)!;
      const [script, map] = await Promise.all(
        [fileOf(file), `${fileOf(file)}.map`].map((path) => readFile(join(folder, path), 'utf8')),
      );
      const sourceMap = new SourceMap(JSON.parse(map!) as ConstructorParameters<typeof SourceMap>[0]);
      const starts = (uncalled[fileOf(file)] ?? [0]).map((offset) => {
        const before = script!.slice(0, offset).split('\n');
        const entry = sourceMap.findEntry(before.length - 1, before.at(-1)!.length);
        return 'originalLine' in entry ? entry.originalLine : -1;
      });
      return starts
        .filter((line) => excerpts.some(({ start, end }) => line >= start && line < end))
        .map((line) => code.split('\n')[line]!.trim())
        .filter((line) => !/^(?:export )?class /.test(line)); // a constructor that the class does not have
    });
    return [...new Set((await Promise.all(found)).flat())];
  }

  async function expectRun(name: string, run: Run): Promise<void> {
    expect(run.outputs.get(name)).toBe(contexts.get(name)!.output);
    expect({ exitCode: run.code }).toEqual({ exitCode: 0 });
    expect(await uncalledOf(name, run), 'functions of the page that are not called').toEqual([]);
  }

  it.each(withoutRedis)('%s', async (name) => {
    await expectRun(name, await runs.get(name)!);
  });

  describeWithRedis('with Redis', () => {
    let redis: RedisServer;
    let run: Run;

    beforeAll(async () => {
      redis = await RedisServer.start();
      await Promise.all(withRedis.map(([name, { code }]) => compile(name, code.replaceAll(REDIS_URL, redis.url))));
      run = await runPrograms(withRedis.map(([name]) => name));
    });
    afterAll(() => redis.stop());

    it.each(withRedis)('%s', (name) => expectRun(name, run));
  });
});
