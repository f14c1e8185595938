import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** A whole program: `NestFactory` ends the process when something fails at start, which no test module does. */
const PROGRAM = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebwireAdapter } from 'nestjs-webwire';

@WebSocketGateway()
class PlainGateway {
  @SubscribeMessage('x') x() {}
}

@Module({ providers: [PlainGateway] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.useWebSocketAdapter(new WebwireAdapter(app));
await app.listen(0);
console.log('listening');
await app.close();
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(fileURLToPath(new URL('../../.sample/alone-', import.meta.url)));
});
afterAll(() => rm(folder, { recursive: true }));

it('the adapter alone starts an application that does not import the module', async () => {
  const { outputText } = ts.transpileModule(PROGRAM, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, experimentalDecorators: true },
  });
  const file = join(folder, 'main.mjs');
  await writeFile(file, outputText);
  const program = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors, [code]] = await Promise.all([
    text(program.stdout),
    text(program.stderr),
    once(program, 'exit'),
  ]);
  expect(errors).toBe('');
  expect(output).toBe('listening\n');
  expect(code).toBe(0);
});
