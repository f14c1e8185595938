import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProgramFolder } from '../support/program-folder.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { contexts } from './contexts.js';

/** The programs that need Redis, at this address. */
const REDIS_URL = 'redis://localhost:6379';
const usesRedis = (code: string) => code.includes(REDIS_URL);

const programs = [...contexts].filter(([, { output }]) => output !== undefined);

describe('the code of the documents runs', () => {
  let folder: string;

  beforeAll(async () => {
    // Within the package, so that programs import the built package by its name.
    folder = await makeProgramFolder('documents-');
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await Promise.all([...contexts].map(([name, { code }]) => compile(name, code)));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function compile(name: string, code: string): Promise<void> {
    const { outputText } = ts.transpileModule(code, {
      fileName: name,
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        jsx: ts.JsxEmit.ReactJSX,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
    });
    await writeFile(join(folder, name.replace(/tsx?$/, 'js')), outputText);
  }

  /** Runs a program to its end. @returns Its output, with that of errors. */
  async function run(name: string): Promise<string> {
    const program = spawn(process.execPath, [name.replace(/tsx?$/, 'js')], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 50_000, // less than that of a test, so that a program that hangs is ended
    });
    const [output, errors] = await Promise.all([text(program.stdout), text(program.stderr), once(program, 'exit')]);
    return output + errors;
  }

  it('on many pages', () => {
    expect(new Set(programs.map(([, { page }]) => page)).size).toBeGreaterThan(15);
  });

  it.concurrent.each(programs.filter(([, { code }]) => !usesRedis(code)))('%s', async (name, { output }) => {
    expect(await run(name)).toBe(output);
  });

  describeWithRedis('with Redis', () => {
    it.each(programs.filter(([, { code }]) => usesRedis(code)))('%s', async (name, { code, output }) => {
      const redis = await RedisServer.start();
      try {
        await compile(name, code.replaceAll(REDIS_URL, redis.url));
        expect(await run(name)).toBe(output);
      } finally {
        await redis.stop();
      }
    });
  });
});
