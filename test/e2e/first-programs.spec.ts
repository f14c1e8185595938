import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import ts from 'typescript';
import { expect, it, onTestFinished } from 'vitest';
import { Document } from '../docs/documents.js';
import { makeProgramFolder } from '../support/program-folder.js';

const PORT_LINE = 'console.log(`port ${app.getHttpServer().address().port}`);';
/** Node.js 20 has no WebSocket of its own. */
const WEB_SOCKET = "import { WebSocket as Ws } from 'ws'; globalThis.WebSocket ??= Ws;";

/** A folder within the package, so that programs in it import the built package by its name. */
async function makeFolder(): Promise<string> {
  const folder = await makeProgramFolder('first-programs-');
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function write(folder: string, name: string, code: string): Promise<string> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  const file = join(folder, `${name}.js`);
  await writeFile(file, outputText);
  return file;
}

/** Starts the server on a port that the system chooses. @returns The output of the client. */
async function run(folder: string, serverCode: string, clientCode: string): Promise<string> {
  const serverFile = await write(folder, 'server', `${serverCode.replace('3000', '0')}\n${PORT_LINE}`);
  const server = spawn(process.execPath, [serverFile], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let output = '';
    let port: string | undefined;
    for await (const [chunk] of on(server.stdout, 'data')) {
      output += String(chunk);
      port = /^port (\d+)\n/m.exec(output)?.[1];
      if (port) break;
    }
    const clientFile = await write(folder, 'client', clientCode.replace('3000', port!));
    const client = spawn(process.execPath, [clientFile], { stdio: ['ignore', 'pipe', 'inherit'] });
    return await text(client.stdout);
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
}

it('the server and the client of the README talk to each other', async () => {
  const folder = await makeFolder();
  const [contract, server, client] = new Document('README.md').codeBlocks('A server and a client', 'ts');
  await write(folder, 'contract', contract!);
  expect(await run(folder, server!, `${WEB_SOCKET}\n${client!}`)).toBe('Somebody greets Ada\nHello Ada!\n');
});

it('the server and the client of docs/getting-started.md talk to each other', async () => {
  const page = new Document('docs/getting-started.md');
  const [server] = page.codeBlocks('A server', 'ts');
  const [client] = page.codeBlocks('A client', 'ts');
  expect(await run(await makeFolder(), server!, client!)).toBe('Are you there?\nHello Ada!\n');
});
