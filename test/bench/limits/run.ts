import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { WebSocket } from 'ws';
import { Child } from '../process/child.js';

/** Measures the memory of connections at each of their limits, with the default options: `npm run bench:memory`. */

const PATIENCE = 60_000;
const CONNECTIONS = 50;

/** Pause before memory is measured, in milliseconds: what the kernel passes on has arrived then. */
const SETTLING = 1_500;

/** Nearly as large as a message may be. */
const LARGE = 8_000;

function request(number: number, name: string, length = 10): Uint8Array {
  const id = new Uint8Array(8);
  new DataView(id.buffer).setUint32(0, number, true);
  return encodeMessage({ type: MessageType.RequestBinary, id, name, payload: new Uint8Array(length) });
}

/** Sends requests of which the first one has a handler, which never ends, and all others wait. */
function wait(socket: WebSocket, messages: number): void {
  for (let number = 1; number <= messages; number++) socket.send(request(number, 'wait', LARGE));
}

/** Asks for the extensions, as a `WebwireClient` does. */
async function extend(sockets: readonly WebSocket[]): Promise<void> {
  const payload = new TextEncoder().encode('{"extensions":["stream","cancel","ping","trace","flow"]}');
  for (const socket of sockets) {
    socket.send(
      encodeMessage({ type: MessageType.RequestUtf8, id: new Uint8Array(8), name: 'wwr:extensions', payload }),
    );
    await once(socket, 'message');
  }
}

interface Case {
  readonly name: string;
  /** Handlers at once for a connection. Default: no limit. */
  readonly concurrencyLimit?: number;
  fill(sockets: readonly WebSocket[], server: Child): Promise<void> | void;
}

const CASES: readonly Case[] = [
  {
    name: 'a message that has arrived in part',
    fill: (sockets) => sockets.forEach((socket) => socket.send(new Uint8Array(LARGE), { fin: false })),
  },
  {
    name: 'messages that wait, without extensions',
    concurrencyLimit: 1,
    fill: (sockets) => sockets.forEach((socket) => wait(socket, 200)),
  },
  {
    name: 'messages that wait, with extensions',
    concurrencyLimit: 1,
    async fill(sockets) {
      await extend(sockets);
      for (const socket of sockets) wait(socket, 600);
    },
  },
  {
    name: 'items that the client does not take',
    async fill(sockets) {
      await extend(sockets);
      for (const socket of sockets) {
        for (let number = 1; number <= 64; number++) socket.send(request(number, 'items'));
      }
    },
  },
  {
    name: 'replies that the client does not read',
    fill(sockets) {
      for (const socket of sockets) {
        socket.pause();
        for (let number = 1; number <= 1_500; number++) socket.send(request(number, 'large'));
      }
    },
  },
  {
    name: 'signals that the client does not read',
    async fill(sockets, server) {
      for (const socket of sockets) socket.pause();
      await server.ask('signal', PATIENCE);
    },
  },
];

async function open(port: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (let number = 0; number < CONNECTIONS; number++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    socket.on('error', () => undefined);
    await once(socket, 'message');
    sockets.push(socket);
  }
  return sockets;
}

/** @returns The memory of a connection in addition to that of an idle one, in bytes. */
async function measure(one: Case): Promise<number> {
  const file = new URL('server.js', import.meta.url);
  const args = [String(one.concurrencyLimit ?? Infinity)];
  const server = new Child({ label: 'the server', file, args, nodeArgs: ['--expose-gc'], core: undefined });
  try {
    const sockets = await open(await server.ask<number>('port', PATIENCE));
    const before = await server.ask<number>('memory', PATIENCE);
    await one.fill(sockets, server);
    await delay(SETTLING);
    const after = await server.ask<number>('memory', PATIENCE);
    for (const socket of sockets) socket.terminate();
    return (after - before) / CONNECTIONS;
  } finally {
    await server.stop();
  }
}

console.log(`Memory of a connection in addition to that of an idle one, with ${CONNECTIONS} connections\n`);
for (const one of CASES) console.log(`${one.name.padEnd(40)} ${Math.round((await measure(one)) / 1_024)} KiB`);
