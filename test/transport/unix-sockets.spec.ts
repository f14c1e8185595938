import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebwireGateway, WebwireModule } from 'nestjs-webwire';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectSecurely } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ca, tls } from '../support/certificate.js';
import { deferred, type Deferred } from '../support/deferred.js';

/** Longer than any test may take. */
const HOUR = 60 * 60 * 1000;

let work: Deferred;
let started: Deferred;

@Controller()
class Routes {
  @Get() get() {
    return 'got';
  }
  @Get('slow') async slow() {
    started.resolve();
    await work.promise;
    return 'slow';
  }
}

@WebwireGateway()
class Gateway {}

@Module({ imports: [WebwireModule.forRoot()], controllers: [Routes], providers: [Gateway] })
class AppModule {}

let directory: string;
const apps: INestApplication[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'webwire-unix-'));
  [work, started] = [deferred(), deferred()];
});
afterEach(async () => {
  work.resolve();
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const app of apps.splice(0)) await app.close();
  await rm(directory, { recursive: true });
});

interface UnixApp {
  readonly app: INestApplication;
  readonly path: string;
}

async function start(name: string, options: object = {}): Promise<UnixApp> {
  const app = await NestFactory.create(AppModule, { logger: false, ...options });
  apps.push(app);
  const path = join(directory, name);
  await app.listen(path);
  return { app, path };
}

function track<Tracked extends Socket>(socket: Tracked): Tracked {
  sockets.push(socket);
  return socket.on('error', () => undefined);
}

/** A client that connects and then sends nothing, once the server has accepted it. */
async function connectSilently({ app, path }: UnixApp): Promise<Socket> {
  const accepted = once(app.getHttpServer() as Socket, 'connection');
  const socket = track(connect(path));
  await Promise.all([once(socket, 'connect'), accepted]);
  return socket.resume();
}

async function connectClient({ path }: UnixApp, isSecure: boolean): Promise<Socket> {
  const socket = track(isSecure ? connectSecurely({ path, ca, servername: 'localhost' }) : connect(path));
  await once(socket, isSecure ? 'secureConnect' : 'connect');
  return socket;
}

async function get(socket: Socket, path = '/'): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString('latin1');
}

describe.each([
  ['plain', {}, false],
  ['TLS', { httpsOptions: { ...tls, handshakeTimeout: HOUR } }, true],
])('an application on a Unix domain socket (%s)', (_kind, options, isSecure) => {
  it('closes although clients have sent nothing', async () => {
    const unixApp = await start('one', options);
    const silent = [await connectSilently(unixApp), await connectSilently(unixApp), await connectSilently(unixApp)];
    const idle = await connectClient(unixApp, isSecure);
    const ended = [...silent, idle].map((socket) => once(socket.resume(), 'close'));
    await unixApp.app.close();
    await Promise.all(ended);
  });

  it('answers the requests of others while it closes', async () => {
    const unixApp = await start('one', options);
    const silent = await connectSilently(unixApp);
    const client = await connectClient(unixApp, isSecure);
    await connectSilently(unixApp);
    const answer = text(client);
    client.write('GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await started.promise;
    const closed = unixApp.app.close();
    await once(silent, 'close');
    work.resolve();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 [^]*slow/);
    await closed;
  });

  it('leaves the clients of another one', async () => {
    const [first, second] = [await start('one', options), await start('two', options)];
    const silent = await connectSilently(second);
    const idle = await connectClient(second, isSecure);
    await connectSilently(first);
    await connectClient(first, isSecure);
    await first.app.close();
    expect(await get(idle)).toMatch(/^HTTP\/1\.1 200 /);
    expect([silent.destroyed, silent.readableEnded]).toEqual([false, false]);
  });
});
