import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser } from 'playwright-core';
import ts from 'typescript';
import { build, preview } from 'vite';
import { afterAll, beforeAll, describe, it, onTestFinished } from 'vitest';
import { Document } from '../docs/documents.js';
import { makeProgramFolder } from '../support/program-folder.js';
import { hasChromium, launchChromium } from './chromium.js';
import { failOnPageErrors, isFailedConnection } from './page-errors.js';

const PAGE =
  '<!doctype html><title>web</title><link rel="icon" href="data:," /><div id="app"></div><script type="module" src="/src/main.ts"></script>';

const guide = new Document('docs/client.md');
const [serverCode] = guide.codeBlocks('A server to practise with', 'ts');
const [pageCode] = guide.codeBlocks('The page', 'ts');

describe.skipIf(!hasChromium)('the first page of docs/client.md', () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    browser = await launchChromium();
    folder = await makeProgramFolder('first-page-');
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  /** Starts the server as tsx runs it: without the types of parameters. Resolves with the process and its port. */
  async function startServer(port: number): Promise<[ChildProcess, number]> {
    const { outputText } = ts.transpileModule(serverCode!.replace('3000', String(port)), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        experimentalDecorators: true,
      },
    });
    const file = join(folder, 'server.mjs');
    await writeFile(file, `${outputText}\nconsole.log(\`port \${app.getHttpServer().address().port}\`);`);
    const server = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => stop(server));
    for await (const line of createInterface(server.stdout)) {
      const [, found] = /^port (\d+)$/.exec(line) ?? [];
      if (found) return [server, Number(found)];
    }
    throw new Error('the server ended');
  }

  async function stop(server: ChildProcess): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGINT');
    await exited;
  }

  /** Builds the page, and serves it. */
  async function servePage(port: number): Promise<string> {
    const root = join(folder, 'web');
    await mkdir(join(root, 'src'), { recursive: true });
    await writeFile(join(root, 'index.html'), PAGE);
    await writeFile(join(root, 'src/main.ts'), pageCode!.replace('3000', String(port)));
    const options = { root, configFile: false, logLevel: 'warn' } as const;
    await build(options);
    const server = await preview({ ...options, preview: { port: 0, host: '127.0.0.1' } });
    onTestFinished(() => server.close());
    return server.resolvedUrls!.local[0]!;
  }

  it('greets, counts, and comes back when the server is started again', async () => {
    const [server, port] = await startServer(0);
    const page = await browser.newPage();
    failOnPageErrors(page, isFailedConnection);
    await page.goto(await servePage(port));
    const shows = (id: string, text: RegExp) =>
      page.locator(`#${id}`, { hasText: text }).waitFor({ state: 'attached' });
    await shows('status', /^connected$/);
    await shows('time', /\d:\d\d/);

    const click = (name: string) => page.getByRole('button', { name }).click();
    await click('Greet');
    await shows('reply', /^Who are you\?$/);
    await page.getByPlaceholder('Your name').fill('Ada');
    await click('Greet');
    await shows('reply', /^Hello Ada!$/);
    await click('Count');
    await shows('tick', /^2$/);
    await click('Stop');
    await click('Count');
    await shows('tick', /^1$/);

    await stop(server);
    await shows('status', /^reconnecting$/);
    await shows('problem', /^could not connect to ws:|^lost the connection to ws:/);
    await shows('tick', /^lost the connection/);
    await startServer(port);
    await shows('status', /^connected$/);
    await shows('problem', /^$/);
  });
});
