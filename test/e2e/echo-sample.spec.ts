import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { on, once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compiledSample } from '../support/sample.js';

/** Compiled by `npm run build:sample`, and using the built package, as a user would. */
const compiled = (file: string) => compiledSample('01-echo', `src/${file}`);

let server: ChildProcessByStdio<null, Readable, null>;
let url: string;

beforeAll(async () => {
  server = spawn(process.execPath, [compiled('main.js')], {
    env: { ...process.env, PORT: '0', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const [chunk] of on(server.stdout, 'data')) {
    output += String(chunk);
    const announced = /npm run client -- (ws:\/\/localhost:\d+)\n/.exec(output);
    if (!announced) continue;
    url = announced[1]!;
    return;
  }
});

afterAll(() => {
  server.kill('SIGKILL');
});

it('answers its client: request, JSON with validation, error and signal', async () => {
  const client = spawn(process.execPath, [compiled('client.js'), url], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(client.stdout), once(client, 'exit')]);
  expect(output.trimEnd().split('\n')).toEqual([
    'server speaks WebWire 2.0, messages up to 8192 bytes',
    'echo -> reply: Hello, WebWire!',
    'shout -> reply: IS ANYBODY THERE?',
    'greet -> reply: {"greeting":"Hello Ada!"}',
    'greet -> error: BAD_REQUEST: name must be longer than or equal to 1 characters; ' +
      'language must be one of the following values: en, de',
    'secret -> error: TOP_SECRET: This is not for you',
    'ping -> signal: pong: now',
  ]);
  expect(code).toBe(0);
});

it('ends on a signal', async () => {
  server.kill('SIGTERM');
  const [, signal] = await once(server, 'exit');
  expect(signal).toBe('SIGTERM');
});
