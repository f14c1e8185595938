import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

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

it('the traps of this test notice a client that connects', async () => {
  const program = `
    const { WebwireClient } = await import('nestjs-webwire/client');
    new WebwireClient('ws://localhost', { dialTimeout: 1 }).connect().catch(() => {});`;
  expect((await run(program)).stdout).toContain('used WebSocket');
});
