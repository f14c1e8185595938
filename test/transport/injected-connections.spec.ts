import { WebwireGateway, WebwireRequest, type WebwireConnection } from 'nestjs-webwire';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { duplexPair } from 'node:stream';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

// An application can pass any stream to an HTTP server as a connection. Such a stream lacks most members of a socket.

/** The server checks eight times per read timeout. */
const LOOK = 1_000;
const READ_TIMEOUT = 8 * LOOK;

@WebwireGateway({ readTimeout: READ_TIMEOUT })
class Gateway {
  readonly connections: WebwireConnection[] = [];

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  @WebwireRequest('echo') echo(_connection: WebwireConnection, body: string) {
    return body;
  }
}

let app: TestApp;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  app = await TestApp.start({ providers: [Gateway] });
});
afterEach(async () => {
  vi.useRealTimers();
  await app.close();
});

/** Connects over a stream within the process. */
async function connect(path = '/'): Promise<WireClient> {
  const [ours, theirs] = duplexPair();
  onTestFinished(() => void ours.destroy());
  (app.app.getHttpServer() as Server).emit('connection', theirs);
  return WireClient.connect(`ws://localhost${path}`, { createConnection: () => ours as never, autoPong: false });
}

it('messages and the closing handshake pass', async () => {
  const client = await connect();
  const text = 'x'.repeat(7_000);
  expect(await client.ask('echo', text)).toBe(`utf8 ${text}`);
  expect(await client.close()).toEqual({ code: 1000, reason: '' });
});

it('a client whose path is unknown is rejected', async () => {
  await expect(connect('/unknown')).rejects.toThrow('404');
});

it('a client is cut after readTimeout only if it is silent', async () => {
  const client = await connect();
  await client.ask('echo', 'x');
  const [connection] = app.get(Gateway).connections;
  for (let n = 0; n < 3; n++) {
    vi.advanceTimersByTime(READ_TIMEOUT - LOOK);
    expect(connection!.isActive).toBe(true);
    await client.ask('echo', 'x');
  }
  const pinged = once(client.socket, 'ping');
  vi.advanceTimersByTime(READ_TIMEOUT + LOOK);
  await pinged;
  expect(await client.closed).toEqual({ code: 1001, reason: 'read timeout' });
});
