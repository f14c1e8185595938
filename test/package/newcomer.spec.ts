import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Document } from '../docs/documents.js';
import { installed, PackedPackage, runTool } from './packed-package.js';

/** The packages that a newcomer installs beside this one and its peers. */
const INSTALLED = ['zod', 'typescript', '@types/node', '@types/ws', '@nestjs/platform-express'];

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    module: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    skipLibCheck: true,
    outDir: 'dist',
  },
  include: ['*.ts'],
};

const execute = promisify(execFile);
let packed: PackedPackage;

beforeAll(async () => {
  packed = await PackedPackage.create();
  for (const name of INSTALLED) {
    const path = join(packed.project, 'node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(installed(name), path, 'junction').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  const webwire = packed.locate(packed.manifest.bin.webwire!);
  await chmod(webwire, 0o755);
  await linkProgram('webwire', webwire);
  await linkProgram('tsc', join(installed('typescript'), 'bin/tsc'));
  return () => packed.dispose();
}, 120_000);

/** Makes a program of a package one of the project, as npm does. It is executable. */
async function linkProgram(name: string, file: string): Promise<void> {
  const programs = join(packed.project, 'node_modules/.bin');
  await mkdir(programs, { recursive: true });
  await symlink(file, join(programs, name));
}

/** A project of a newcomer, with the package from its tarball. */
class Project {
  readonly folder: string;

  constructor(name: string) {
    this.folder = join(packed.project, name);
  }

  async write(files: Record<string, string>): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const all = { 'package.json': '{ "type": "module" }', 'tsconfig.json': JSON.stringify(TSCONFIG), ...files };
    for (const [name, text] of Object.entries(all)) await writeFile(join(this.folder, name), text);
  }

  /** The errors of the compiler; empty if there are none. */
  async compile(): Promise<string> {
    return runTool('typescript/bin/tsc', ['-p', this.folder]).catch((error: { stdout: string }) => error.stdout);
  }

  async run(file: string, ...args: string[]): Promise<string> {
    const { stdout } = await execute(process.execPath, [file, ...args], { cwd: this.folder });
    return stdout;
  }
}

const START = `
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('http', 'ws');`;

describe('a newcomer', { timeout: 240_000 }, () => {
  it('compiles the first page of docs/client.md in a project that Vite has made', async () => {
    const project = new Project('first-page');
    const [page] = new Document('docs/client.md').codeBlocks('The page', 'ts');
    const compilerOptions = {
      target: 'es2023',
      module: 'esnext',
      lib: ['ES2023', 'DOM'],
      types: [],
      moduleResolution: 'bundler',
      allowImportingTsExtensions: true,
      verbatimModuleSyntax: true,
      moduleDetection: 'force',
      strict: true,
      noEmit: true,
      noUnusedLocals: true,
      noUnusedParameters: true,
      erasableSyntaxOnly: true,
    };
    await project.write({ 'main.ts': page!, 'tsconfig.json': JSON.stringify({ compilerOptions, include: ['*.ts'] }) });
    expect(await project.compile()).toBe('');
  });

  it('goes from a contract to a gateway and a typed client', async () => {
    const project = new Project('contract-first');
    await project.write({
      'contract.ts': `
        import { defineContract } from 'nestjs-webwire/contract';
        import { z } from 'zod';
        const Room = z.object({ id: z.number(), name: z.string() });
        export const chat = defineContract({
          requests: { 'rooms.create': { body: z.object({ name: z.string().min(1), size: z.number().default(10) }), reply: Room } },
          streams: { count: { body: z.number(), item: z.number() } },
          signals: { typing: {} },
          serverSignals: { message: { body: z.object({ text: z.string() }) } },
        });`,
      'main.ts': `
        import 'reflect-metadata';
        import { Module } from '@nestjs/common';
        import { NestFactory } from '@nestjs/core';
        import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
        import { WebwireConnection, WebwireGateway, WebwireModule, WebwireRequest, WebwireSignal, WebwireStream } from 'nestjs-webwire';
        import { RequestError, WebwireClient } from 'nestjs-webwire/client';
        import type { BodyOutput } from 'nestjs-webwire/contract';
        import { WebSocket } from 'ws';
        import { chat } from './contract.js';

        @WebwireGateway()
        class ChatGateway {
          @WebwireRequest(chat.requests['rooms.create'])
          create(@MessageBody() { name, size }: BodyOutput<(typeof chat.requests)['rooms.create']>) {
            return { id: size, name, secret: 'not in the contract' };
          }
          @WebwireStream(chat.streams.count)
          async *count(@MessageBody() limit: number) {
            for (let i = 0; i < limit; i++) yield i;
          }
          @WebwireSignal(chat.signals.typing)
          typing(@ConnectedSocket() connection: WebwireConnection) {
            connection.signal(chat.serverSignals.message, { text: 'hi' });
          }
        }

        @Module({ imports: [WebwireModule.forRoot({ contract: chat, sessions: false })], providers: [ChatGateway] })
        class AppModule {}
        ${START}
        const client = new WebwireClient(url, { contract: chat, webSocket: WebSocket });
        const { body: room } = await client.request('rooms.create', { name: 'Tea' });
        const items: number[] = [];
        for await (const { body: item } of client.stream('count', 2)) items.push(item);
        const said = new Promise<string>((resolve) => client.onSignal('message', ({ body }) => resolve(body.text)));
        await client.signal('typing');
        // @ts-expect-error -- the contract has no such request
        const unknown = client.request('rooms.remove').catch(({ code }: RequestError) => code);
        // @ts-expect-error -- the name is a string
        const wrong = client.request('rooms.create', { name: 5 }).catch(({ code }: RequestError) => code);
        console.log(JSON.stringify([room, items, await said, await unknown, await wrong]));
        await client.close();
        await app.close();`,
    });
    expect(await project.compile()).toBe('');
    expect(JSON.parse(await project.run('dist/main.js'))).toEqual([
      { id: 10, name: 'Tea' },
      [0, 1],
      'hi',
      'NOT_FOUND',
      'BAD_REQUEST',
    ]);
  });

  it('goes from classes to a document, types and a typed client', async () => {
    const project = new Project('code-first');
    await project.write({
      'app.ts': `
        import 'reflect-metadata';
        import { Module } from '@nestjs/common';
        import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
        import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
        import { jsonCodec, WebwireConnection, WebwireEmits, WebwireGateway, WebwireModule, WebwireRequest, WebwireSignal } from 'nestjs-webwire';

        class CreateCatDto {
          @ApiProperty() name!: string;
          @ApiPropertyOptional() age?: number;
        }
        class CatDto extends CreateCatDto {
          @ApiProperty() id!: number;
        }

        @WebwireEmits('meow', CatDto)
        @WebwireGateway({ codec: jsonCodec })
        class CatsGateway {
          @WebwireRequest('cats.create', { reply: CatDto, errors: { TOO_MANY: 'there are too many cats' } })
          async create(@MessageBody() cat: CreateCatDto) {
            return { ...cat, id: 1 };
          }
          @WebwireSignal('pet')
          pet(@MessageBody() name: string, @ConnectedSocket() connection: WebwireConnection) {
            connection.signal('meow', { id: 2, name });
          }
        }

        @Module({ imports: [WebwireModule.forRoot({ sessions: false })], providers: [CatsGateway] })
        export class AppModule {}`,
      'document.ts': `
        import { writeFile } from 'node:fs/promises';
        import { NestFactory } from '@nestjs/core';
        import { createWebwireDocument } from 'nestjs-webwire/document';
        import { AppModule } from './app.js';
        const app = await NestFactory.create(AppModule, { logger: false });
        const warnings: string[] = [];
        const document = await createWebwireDocument(app, { title: 'Cats', version: '1.0', onWarning: (text) => warnings.push(text) });
        await writeFile('asyncapi.json', JSON.stringify(document, null, 2));
        console.log(JSON.stringify(warnings));
        await app.close();`,
    });
    expect(await project.compile()).toBe('');
    expect(JSON.parse(await project.run('dist/document.js'))).toEqual([]);
    await project.run(packed.locate(packed.manifest.bin.webwire!), 'types', 'asyncapi.json', '-o', 'api.ts');
    expect(await readFile(join(project.folder, 'api.ts'), 'utf8')).toContain('[body: CreateCatDto, reply: CatDto]');
    await project.write({
      'client.ts': `
        import { NestFactory } from '@nestjs/core';
        import { jsonCodec, WebwireClient } from 'nestjs-webwire/client';
        import { WebSocket } from 'ws';
        import type { Api } from './api.js';
        import { AppModule } from './app.js';
        ${START}
        const client = new WebwireClient<Api>(url, { codec: jsonCodec, webSocket: WebSocket });
        const { body: cat } = await client.request('cats.create', { name: 'Tom' });
        const id: number = cat.id;
        const meow = new Promise<string>((resolve) => client.onSignal('meow', ({ body }) => resolve(body.name)));
        await client.signal('pet', 'Kim');
        // @ts-expect-error -- the name is a string
        void (() => client.request('cats.create', { name: 5 }));
        // @ts-expect-error -- there is no such request
        void (() => client.request('cats.remove'));
        console.log(JSON.stringify([id, cat.name, await meow]));
        await client.close();
        await app.close();`,
    });
    expect(await project.compile()).toBe('');
    expect(JSON.parse(await project.run('dist/client.js'))).toEqual([1, 'Tom', 'Kim']);
  });
});

describe('the commands of the documents', { timeout: 240_000 }, () => {
  /** A folder for a project that has no manifest, and has installed the package. */
  async function makeFolder(name: string): Promise<string> {
    const folder = join(packed.project, name);
    await mkdir(folder);
    onTestFinished(() => rm(folder, { recursive: true }));
    return folder;
  }

  /** Runs commands in a shell, as a reader does. @returns Their output. */
  async function enter(folder: string, command: string): Promise<string> {
    const { stdout } = await execute('sh', ['-c', command], { cwd: folder, env: withoutNpm() });
    return stdout;
  }

  /** Starts a program that goes on, until the end of the test. @returns What a line of it has. */
  async function startUntil(pattern: RegExp, folder: string, command: string): Promise<string> {
    const shell = spawn('sh', ['-c', command], {
      cwd: folder,
      env: withoutNpm(),
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const ended = once(shell, 'exit');
    onTestFinished(async () => {
      process.kill(-shell.pid!, 'SIGKILL');
      await ended;
    });
    for await (const line of createInterface(shell.stdout)) {
      const found = pattern.exec(line);
      if (found) return found[1]!;
    }
    throw new Error(`${command} ended`);
  }

  it('docs/getting-started.md: a server and a client', async () => {
    const page = new Document('docs/getting-started.md');
    const folder = await makeFolder('getting-started');
    const [settings] = page.codeBlocks('Install', 'json');
    const [server] = page.codeBlocks('A server', 'ts');
    const [client] = page.codeBlocks('A client', 'ts');
    await enter(folder, 'npm init -y && npm pkg set type=module');
    await mkdir(join(folder, 'src'));
    await writeFile(join(folder, 'tsconfig.json'), settings!);
    const printPort = 'console.log(`port ${app.getHttpServer().address().port}`);';
    await writeFile(join(folder, 'src/server.ts'), `${server!.replace('3000', '0')}${printPort}`);
    const port = await startUntil(/^port (\d+)$/, folder, 'npx tsc && node dist/server.js');
    await writeFile(join(folder, 'src/client.ts'), client!.replace('3000', port));
    expect(await enter(folder, 'npx tsc && node dist/client.js')).toBe('Are you there?\nHello Ada!\n');
  });

  it('docs/client.md: the folder of a server to practise with', async () => {
    const folder = await makeFolder('client');
    await enter(
      folder,
      `mkdir practice-server
      cd practice-server
      npm init -y
      npm pkg set type=module`,
    );
    const manifest = await readFile(join(folder, 'practice-server/package.json'), 'utf8');
    expect(JSON.parse(manifest)).toMatchObject({ name: 'practice-server', type: 'module' });
  });

  it('docs/documents.md: types of a document', async () => {
    const folder = await makeFolder('documents');
    await mkdir(join(folder, 'src'));
    const document = { asyncapi: '3.0.0', info: { title: 'A', version: '1' }, channels: { root: { address: '/' } } };
    await writeFile(join(folder, 'asyncapi.json'), JSON.stringify(document));
    await enter(folder, 'npx webwire types asyncapi.json -o src/api.ts');
    expect(await readFile(join(folder, 'src/api.ts'), 'utf8')).toContain('export interface Api {');
  });
});

/** The variables of this process, without those that `npm test` has set: they would give `npx` and `npm` another folder. */
function withoutNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$)/i.test(name)));
}
