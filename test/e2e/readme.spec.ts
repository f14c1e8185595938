import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeProgramFolder } from '../support/program-folder.js';

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Folder within the package, so that programs in it import the built package by its name. */
let folder: string;

beforeAll(async () => {
  folder = await makeProgramFolder('readme-');
});
afterAll(() => rm(folder, { recursive: true }));

/** Compiles the first code block under a heading of the README, with another port and an added ending. */
async function compile(heading: string, port: number, ending: string): Promise<string> {
  const readme = await readFile(fromRoot('README.md'), 'utf8');
  const [, code] = new RegExp(`^## ${heading}\\n[^]*?^\`\`\`ts\\n([^]*?)^\`\`\``, 'm').exec(readme)!;
  const { outputText } = ts.transpileModule(`${code!.replaceAll('3000', String(port))}\n${ending}`, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  const file = join(folder, `${heading.replaceAll(' ', '-')}.mjs`);
  await writeFile(file, outputText);
  return file;
}

it('the server and the client of the README talk to each other', async () => {
  const ending = 'console.log(`port ${app.getHttpServer().address().port}`);';
  const server = spawn(process.execPath, [await compile('A server', 0, ending)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let output = '';
    let port: RegExpExecArray | null = null;
    for await (const [chunk] of on(server.stdout, 'data')) {
      output += String(chunk);
      port = /^port (\d+)\n/m.exec(output);
      if (port) break;
    }
    const client = spawn(process.execPath, [await compile('A client', Number(port![1]), '')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(await text(client.stdout)).toBe('Are you there?\nHello Ada!\n');
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
});
