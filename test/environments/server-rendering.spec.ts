import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type Rolldown } from 'vite';
import { expect, it, onTestFinished } from 'vitest';
import { makeProgramFolder } from '../support/program-folder.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Replaces what a client could use by globals that print their use. */
const TRAPS = `
  const used = (name) => console.log('used ' + name);
  globalThis.WebSocket = class { constructor() { used('WebSocket'); } };
  for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'fetch', 'XMLHttpRequest', 'BroadcastChannel', 'addEventListener'])
    Object.defineProperty(globalThis, name, { configurable: true, get: () => void used(name) });
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    const original = globalThis[name];
    globalThis[name] = (...args) => (used(name), original(...args));
  }`;

/** Runs a program on Node.js, and returns what it prints. It has to end by itself. */
async function run(program: string): Promise<{ stdout: string; stderr: string }> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', `${TRAPS}\n${program}`],
    { cwd: ROOT },
  );
  return { stdout, stderr };
}

it('a client on a server that renders pages opens no connection, uses no storage and starts no timer', async () => {
  const program = `
    const { WebwireClient } = await import('nestjs-webwire/client');
    await import('nestjs-webwire/react');
    await import('nestjs-webwire/contract');
    // A relative URL needs the address of a page, which only the browser has: the function is called when the client connects.
    const client = new WebwireClient(() => '/chat');
    const stop = client.subscribe(() => {});
    client.onSignal('news', () => {});
    console.log(client.getSnapshot().status, client.session);
    stop();`;
  expect(await run(program)).toEqual({ stdout: 'disconnected null\n', stderr: '' });
});

/** Bundles a program for a server, with all that it imports. Next.js sets the condition `react-server` for components on the server. */
async function bundleForServer(program: string, conditions: string[]): Promise<string> {
  const root = await makeProgramFolder('server-bundle-');
  onTestFinished(() => rm(root, { recursive: true }));
  await writeFile(join(root, 'entry.js'), program);
  const output = await build({
    root,
    configFile: false,
    logLevel: 'silent',
    ssr: { noExternal: true, resolve: { conditions } },
    build: { write: false, ssr: 'entry.js', rolldownOptions: { output: { codeSplitting: false } } },
  });
  const [{ code }] = (output as Rolldown.RolldownOutput).output;
  return code;
}

/** Node.js 20 has no WebSocket. */
const WITHOUT_WEB_SOCKET = `
  delete globalThis.WebSocket;
  const { WebwireClient } = await import('nestjs-webwire/client');
  const client = new WebwireClient('wss://example.com/chat');
  console.log(client.status, client.getSnapshot().status, client.url);
  const error = await client.connect({ retry: true }).catch((error) => error);
  console.log(error.name, error.message);`;
const PRINTED = `disconnected disconnected wss://example.com/chat
InvalidOptionError WebWire option webSocket is "undefined", but must be a constructor: pass WebSocket of the package ws
`;

it('a client is made where there is no WebSocket, and fails when it is to connect', async () => {
  const { stdout, stderr } = await run(WITHOUT_WEB_SOCKET);
  expect(stdout.replaceAll(/^used setTimeout\n/gm, '')).toBe(PRINTED);
  expect(stderr).toBe('');
});

it.each([[['node']], [['node', 'react-server']], [['browser', 'worker']]])(
  'the same in a bundle for servers with the conditions %j',
  async (conditions) => {
    const bundle = await bundleForServer(WITHOUT_WEB_SOCKET, conditions);
    expect(bundle).not.toContain('nestjs-webwire/client');
    const { stdout, stderr } = await run(bundle);
    expect(stdout.replaceAll(/^used setTimeout\n/gm, '')).toBe(PRINTED);
    expect(stderr).toBe('');
  },
);

it('the traps of this test notice a client that connects', async () => {
  const program = `
    const { WebwireClient } = await import('nestjs-webwire/client');
    new WebwireClient('ws://localhost', { dialTimeout: 1 }).connect().catch(() => {});`;
  expect((await run(program)).stdout).toContain('used WebSocket');
});
