import { execFile } from 'node:child_process';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installCopy, makeProgramFolder } from '../support/program-folder.js';
import { runTool } from './packed-package.js';

const FILES = {
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      target: 'ES2023',
      module: 'nodenext',
      strict: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      types: ['node'],
      skipLibCheck: true,
      outDir: 'out',
    },
    include: ['*.ts', 'api/*.ts'],
  }),
  'api/contract.ts': `
    import { jsonCodec, Payload, RequestError, type PayloadCodec } from 'nestjs-webwire/client';
    import { defineContract } from 'nestjs-webwire/contract';
    import { z } from 'zod';

    const Text = z.object({ text: z.string() });
    export const chat = defineContract({
      requests: { greet: { body: z.object({ name: z.string() }), reply: Text }, refuse: { body: Text.refine(({ text }) => text !== 'schema' || refuse()) }, wrong: { reply: Text } },
      streams: { count: { body: z.number(), item: z.number() } },
      signals: { typing: { body: Text } },
      serverSignals: { message: { body: Text } },
    });
    export const codec: PayloadCodec = { decode: (payload) => jsonCodec.decode(payload), encode: (value) => Payload.json(value) };
    export const ada = Payload.utf16('{"name":"Ada"}');
    export const four = Payload.utf8('4');
    export const text = Payload.utf8('{"text":"a payload"}');
    export function refuse(): never {
      throw new RequestError('NOT_NOW', 'a rule that both sides share');
    }`,
  'server.ts': `
    import { Module } from '@nestjs/common';
    import { NestFactory } from '@nestjs/core';
    import { MessageBody } from '@nestjs/websockets';
    import { MemoryTransport, WebwireGateway, WebwireModule, WebwireRequest, WebwireService, WebwireSignal, WebwireStream } from 'nestjs-webwire';
    import { createWebwireDocument } from 'nestjs-webwire/document';
    import type { BodyOutput } from 'nestjs-webwire/contract';
    import { chat, codec, refuse, text } from './api/contract.js';

    @WebwireGateway()
    class ChatGateway {
      @WebwireRequest(chat.requests.greet)
      greet(@MessageBody() { name }: BodyOutput<typeof chat.requests.greet>) {
        return { text: 'Hello ' + name };
      }
      @WebwireRequest(chat.requests.refuse) refuse() { refuse(); }
      @WebwireRequest(chat.requests.wrong) wrong() { return { text: 5 as never }; }
      @WebwireRequest('payload', { codec }) payload() { return text; }
      @WebwireStream(chat.streams.count) async *count(@MessageBody() last: number) {
        for (let number = 1; number <= last; number++) yield number;
      }
      @WebwireSignal(chat.signals.typing) typing() {}
    }

    export const transport = new MemoryTransport();

    @Module({ imports: [WebwireModule.forRoot({ transport, contract: [chat] })], providers: [ChatGateway] })
    class AppModule {}

    export const app = await NestFactory.create(AppModule, { logger: false });
    await app.init();
    export const service = app.get(WebwireService);
    export const document = await createWebwireDocument(app, { title: 'Chat', version: '1' });`,
  'client.ts': `
    import { WebwireClient, type Reply } from 'nestjs-webwire/client';
    import type { ApiOf, ClientContract, DefinedContract } from 'nestjs-webwire/contract';
    import { createTestClient } from 'nestjs-webwire/testing';
    import { ada, chat, codec, four, text } from './api/contract.js';
    import { app, document, service, transport } from './server.js';

    type Api = ApiOf<typeof chat>;
    const forClients: ClientContract<Api> = chat;
    const whole: DefinedContract = chat;
    const codeOf = (error: { code: string; message: string }) => [error.code, error.message];

    const { webSocket } = transport;
    const client = new WebwireClient('ws://localhost', { contract: chat, webSocket });
    const received = new Promise<string>((resolve) => client.onSignal('message', ({ body }) => resolve(body.text)));
    await client.connect();
    const reply: Reply<Api, 'greet'> = await client.request('greet', { name: 'Eve' });
    const greeting: string = reply.body.text;
    const numbers: number[] = [];
    for await (const { body } of client.stream('count', four)) numbers.push(body);
    service.broadcast(chat.serverSignals.message, { text: 'a signal' });
    const own = new WebwireClient<Api>('ws://localhost', { codec, webSocket });
    const test = createTestClient(app, { contract: forClients });
    await test.connect();
    const results = [
      greeting,
      (await client.request('greet', ada)).body.text,
      (await own.request('greet', { name: 'Joe' })).body.text,
      (await test.request('greet', { name: 'Kim' })).body.text,
      await client.request('refuse', { text: '' }).catch(codeOf),
      await client.request('refuse', { text: 'schema' }).catch(codeOf),
      (await client.request('greet', text).catch(codeOf) as string[])[0],
      (await client.request('wrong').catch(codeOf) as string[])[0],
      (await new WebwireClient('ws://localhost', { webSocket }).request('payload')).json(),
      numbers,
      await received,
      Object.keys(document.channels).length,
      Object.keys(whole.requests),
    ];
    console.log(JSON.stringify(results));
    process.exit();`,
};

describe('a contract with a copy of the package of its own', { timeout: 120_000 }, () => {
  let folder: string;

  beforeAll(async () => {
    folder = await makeProgramFolder('two-copies-');
    await installCopy(folder);
    // Two packages with the same name and version are one for TypeScript.
    await installCopy(join(folder, 'api'), { version: '0.0.1' });
    for (const [file, text] of Object.entries(FILES)) await writeFile(join(folder, file), text);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('fits the types of the application, as do codecs, payloads and errors of its copy, and works', async () => {
    expect(await runTool('typescript/bin/tsc', ['-p', folder]).catch((error: { stdout: string }) => error.stdout)).toBe(
      '',
    );
    await cp(join(folder, 'api/node_modules'), join(folder, 'out/api/node_modules'), { recursive: true });
    const { stdout } = await promisify(execFile)(process.execPath, ['out/client.js'], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual([
      'Hello Eve',
      'Hello Ada',
      'Hello Joe',
      'Hello Kim',
      ['NOT_NOW', 'a rule that both sides share'],
      ['NOT_NOW', 'a rule that both sides share'],
      'BAD_REQUEST',
      'INTERNAL_SERVER_ERROR',
      { text: 'a payload' },
      [1, 2, 3, 4],
      'a signal',
      1,
      ['greet', 'refuse', 'wrong'],
    ]);
  });
});
