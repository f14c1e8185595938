import {
  BadGatewayException,
  BadRequestException,
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  Module,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocketServer, WsException } from '@nestjs/websockets';
import {
  HandshakeRejection,
  MemoryTransport,
  RequestError,
  UseHandshakeGuards,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  type DisconnectReason,
  type WebwireConnection,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NEVER } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred, type Deferred } from '../../support/deferred.js';
import { refusal } from '../../support/refusal.js';
import { TcpClient, UPGRADE } from '../../support/tcp-client.js';
import { TestApp } from '../../support/test-app.js';
import { WireClient } from '../../support/wire-client.js';

let app: TestApp | undefined;
let activate: (context: ExecutionContext) => unknown;
const hooks: string[] = [];

class Guard implements CanActivate {
  canActivate(context: ExecutionContext) {
    return activate(context) as boolean;
  }
}

@UseHandshakeGuards(Guard)
@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  @WebwireRequest('greet') greet(_connection: unknown, name: string) {
    return `Hello ${name}!`;
  }
  handleConnection() {
    hooks.push('connected');
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    hooks.push(reason);
  }
}

async function start(canActivate: typeof activate, options: WebwireModuleOptions = {}): Promise<Gateway> {
  activate = canActivate;
  app = await TestApp.start({ providers: [Gateway] }, options);
  return app.get(Gateway);
}

/** A guard that resolves `asked` when it is called, and waits for `answer`. */
function waiting(): { asked: Deferred; answer: Deferred<boolean>; canActivate: () => Promise<boolean> } {
  const asked = deferred();
  const answer = deferred<boolean>();
  const canActivate = () => {
    asked.resolve();
    return answer.promise;
  };
  return { asked, answer, canActivate };
}

function throwing(error: unknown) {
  return () => {
    throw error;
  };
}

/** The whole response to an upgrade request that the server rejects. */
async function response(request = UPGRADE): Promise<string> {
  const client = await TcpClient.connect(app!.port);
  client.send(request);
  return client.ended;
}

afterEach(async () => {
  await app?.close();
  app = undefined;
  hooks.length = 0;
});

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('on %s', (_platform, adapter) => {
  it('a guard can be shared by HTTP routes and handshakes', async () => {
    class SharedGuard implements CanActivate {
      canActivate(context: ExecutionContext) {
        const { headers } = context.switchToHttp().getRequest<Pick<IncomingMessage, 'headers'>>();
        if (!headers.authorization) throw new UnauthorizedException('no token');
        return context.getType() === 'http' && headers.authorization === 'Bearer right';
      }
    }
    @UseHandshakeGuards(SharedGuard)
    @WebwireGateway()
    class Shared {
      @WebwireRequest('x') x() {
        return 'x';
      }
    }
    @UseGuards(SharedGuard)
    @Controller()
    class Routes {
      @Get() index() {
        return 'over HTTP';
      }
    }
    @Module({ imports: [WebwireModule.forRoot()], providers: [Shared], controllers: [Routes] })
    class AppModule {}
    const nest = await NestFactory.create(AppModule, adapter(), { logger: false });
    await nest.listen(0, '127.0.0.1');
    const { port } = (nest.getHttpServer() as Server).address() as AddressInfo;
    const outcomes: unknown[] = [];
    for (const headers of [{}, { authorization: 'Bearer wrong' }] as Record<string, string>[]) {
      outcomes.push((await fetch(`http://127.0.0.1:${port}/`, { headers })).status);
      outcomes.push(await refusal(`ws://127.0.0.1:${port}/`, { headers }));
    }
    const headers = { authorization: 'Bearer right' };
    outcomes.push((await fetch(`http://127.0.0.1:${port}/`, { headers })).status);
    const client = await WireClient.connect(`ws://127.0.0.1:${port}/`, { headers });
    outcomes.push(await client.ask('x'));
    await client.close();
    expect(outcomes).toEqual([401, '401 no token', 403, '403 Forbidden resource', 200, 'utf8 x']);
    await nest.close();
  });
});

describe('a guard that refuses', () => {
  it.each<[string, unknown, string]>([
    ['ForbiddenException', new ForbiddenException(), '403 Forbidden'],
    ['UnauthorizedException', new UnauthorizedException('no token'), '401 no token'],
    ['another HttpException', new BadGatewayException('no directory'), '502 no directory'],
    ['a status without a name', new HttpException('calm down', 499), '499 calm down'],
    ['messages of a validation', new BadRequestException(['no name', 'no age']), '400 no name; no age'],
    ['an object for a response', new HttpException({ reason: 1 }, 418), '418 {"reason":1}'],
    ['an error for a response', new ForbiddenException(new Error('secret')), '403 forbidden'],
    ['WsException', new WsException('not here'), '403 not here'],
    ['RequestError', new RequestError('BANNED', 'you are banned'), '403 you are banned'],
    ['HandshakeRejection', new HandshakeRejection(429, 'later'), '429 later'],
  ])('with %s', async (_what, error, expected) => {
    await start(throwing(error));
    expect(await refusal(app!.url())).toBe(expected);
    activate = () => Promise.reject(error);
    expect(await refusal(app!.url())).toBe(expected);
    expect(app!.logger.at('error')).toEqual([]);
    expect(hooks).toEqual([]);
  });

  it('is not quoted at any length', async () => {
    await start(throwing(new BadRequestException('é'.repeat(100_000))));
    expect(await refusal(app!.url())).toBe(`400 ${'é'.repeat(1_024)}`);
  });

  it.each([
    ['line breaks', '\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n'],
    ['a surrogate', 'half \ud83d of it'],
    ['nothing', ''],
  ])('puts a message with %s nowhere but into the body', async (_what, message) => {
    await start(throwing(new ForbiddenException({ message })));
    const body = Buffer.from(message).toString('latin1');
    expect(await response()).toBe(
      'HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n' +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
  });

  it('needs no name for its status', async () => {
    await start(throwing(new HttpException('calm down', 499)));
    expect(await response()).toMatch(/^HTTP\/1\.1 499 \r\nConnection: close\r\n/);
  });

  it('emits an event', async () => {
    const { server } = await start(throwing(new ForbiddenException('not you')));
    const refused = once(server, 'refusal');
    await refusal(app!.url('/?a'));
    expect(await refused).toMatchObject([{ request: { url: '/?a' }, status: 403, reason: 'not you' }]);
  });
});

describe('a guard that fails', () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();

  it.each<[string, unknown, string]>([
    ['an error', new TypeError('secret'), 'TypeError: secret'],
    ['a string', 'secret', 'thrown: '],
    ['nothing', undefined, 'thrown: undefined'],
    ['null', null, 'thrown: null'],
    ['an object that looks like a refusal', { status: 200, message: 'secret' }, 'thrown: '],
    ['an object that cannot be looked at', revoked.proxy, 'A handshake failed'],
    ['an exception of success', new HttpException('secret', 200), 'HttpException: secret'],
    ['an exception of switching protocols', new HttpException('secret', 101), 'HttpException: secret'],
    ['a redirect', new HttpException('secret', 302), 'HttpException: secret'],
    ['an exception without a status', new HttpException('secret', undefined as never), 'HttpException: secret'],
    ['a status beyond all', new HttpException('secret', 600), 'HttpException: secret'],
    ['a status with a fraction', new HttpException('secret', 403.5), 'HttpException: secret'],
    ['a status with more to it', new HttpException('secret', '403 X\r\nY: z' as never), 'HttpException: secret'],
  ])('with %s lets nobody in and leaks nothing, which is logged', async (_what, error, line) => {
    await start(throwing(error));
    expect(await refusal(app!.url())).toBe('500 internal server error');
    expect(await app!.logger.logged('error', 'A handshake failed')).toContain(line);
    activate = () => Promise.reject(error);
    expect(await refusal(app!.url())).toBe('500 internal server error');
    expect(hooks).toEqual([]);
  });

  it.each([200, 101, 399, 600, Number.NaN, '403'])('with the invalid status %s rejects the client', async (status) => {
    await start(() => {
      throw new HandshakeRejection(status as number, 'come in');
    });
    expect(await refusal(app!.url())).toBe('500 internal server error');
    expect(await app!.logger.logged('error', 'A handshake failed')).toContain(
      `RangeError: a handshake is refused with a status from 400 to 599, not ${status}`,
    );
  });

  it('with a thenable that throws rejects the client', async () => {
    await start(() => ({
      // eslint-disable-next-line unicorn/no-thenable
      then() {
        throw new Error('secret');
      },
    }));
    expect(await refusal(app!.url())).toBe('500 internal server error');
  });

  it('because it uses the missing response is an internal error', async () => {
    await start((context) => context.switchToHttp().getResponse<{ setHeader(): void }>().setHeader());
    expect(await refusal(app!.url())).toBe('500 internal server error');
    expect(await app!.logger.logged('error', 'A handshake failed')).toContain("reading 'setHeader'");
  });
});

describe('a slow guard', () => {
  it.each([
    ['promise', () => new Promise(() => undefined)],
    // eslint-disable-next-line unicorn/no-thenable
    ['thenable', () => ({ then() {} })],
    ['Observable', () => NEVER],
  ])('with a %s that never settles is ignored after handshakeTimeout', async (_what, canActivate) => {
    await start(canActivate, { handshakeTimeout: 20, shutdownTimeout: 0 });
    expect(await refusal(app!.url())).toBe('503 the handshake took too long');
    expect(hooks).toEqual([]);
  });

  it('that fails after handshakeTimeout is ignored', async () => {
    const { answer, canActivate } = waiting();
    await start(canActivate, { handshakeTimeout: 20 });
    expect(await refusal(app!.url())).toBe('503 the handshake took too long');
    answer.reject(new Error('too late'));
    activate = () => true;
    await app!.connect();
    expect(hooks).toEqual(['connected']);
  });

  it('keeps messages that the client sends meanwhile, in order', async () => {
    const greet = (name: string) => `\x82\x92\0\0\0\0\x80\x01\0\0\0\0\0\0\0\x05greet${name}`;
    const { asked, answer, canActivate } = waiting();
    await start(canActivate);
    const client = await TcpClient.connect(app!.port);
    client.send(UPGRADE + greet('Ada').slice(0, 7));
    await asked.promise;
    client.send(greet('Ada').slice(7) + greet('Bob'));
    answer.resolve(true);
    const received = await client.received('Hello Bob!');
    expect(received).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[^]*Hello Ada!\x82[^]*Hello Bob!$/);
    // It would not answer the close frame.
    client.socket.destroy();
  });

  it.each<[string, (client: TcpClient) => void]>([
    ['ends', (client) => client.socket.end()],
    ['resets', (client) => client.socket.resetAndDestroy()],
  ])('for a client that %s its connection meanwhile connects nobody', async (_how, leave) => {
    const { asked, answer, canActivate } = waiting();
    const { server } = await start(canActivate, { maxConnections: 1 });
    const sockets = once(app!.app.getHttpServer() as Server, 'connection');
    const client = await TcpClient.connect(app!.port);
    const [socket] = (await sockets) as [TcpClient['socket']];
    client.send(UPGRADE);
    await asked.promise;
    const left = new Promise((resolve) => {
      socket.once('end', resolve).once('close', resolve);
    });
    leave(client);
    await left;
    expect(await refusal(app!.url())).toBe('503 too many connections');
    answer.resolve(true);
    await client.ended;
    activate = () => true;
    await app!.connect();
    expect(server.connections.size).toBe(1);
    expect(hooks).toEqual(['connected']);
  });

  it('is awaited by a shutdown, which rejects the client', async () => {
    const { asked, answer, canActivate } = waiting();
    await start(canActivate);
    const refused = refusal(app!.url());
    await asked.promise;
    let isClosed = false;
    const closed = app!.close().finally(() => {
      isClosed = true;
    });
    expect(await refusal(app!.url())).toBe('503 server shutting down');
    expect(isClosed).toBe(false);
    answer.resolve(true);
    expect(await refused).toBe('503 server shutting down');
    await closed;
    expect(hooks).toEqual([]);
  });
});

describe('an odd upgrade request', () => {
  it.each([
    ['without a target that makes sense', UPGRADE.replace('GET /', 'GET /?%zz=%00&token=%ff')],
    ['with an absolute target', UPGRADE.replace('GET /', 'GET http://elsewhere.example/?token=a')],
    ['with a header twice', UPGRADE.replace('Host:', 'Authorization: a\r\nAuthorization: b\r\nHost:')],
    ['with an empty header', UPGRADE.replace('Host:', 'Authorization:\r\nHost:')],
    ['with bytes beyond ASCII', UPGRADE.replace('Host:', 'Authorization: \xff\xfe\r\nHost:')],
    ['with a header of note', UPGRADE.replace('Host:', '__proto__: a\r\nconstructor: b\r\nHost:')],
    ['with many headers', UPGRADE.replace('Host:', `${'X-Filler: 1\r\n'.repeat(500)}Host:`)],
  ])('%s reaches the guard as Node.js has it', async (_what, request) => {
    await start((context) => {
      const { url, headers } = context.switchToHttp().getRequest<IncomingMessage>();
      throw new ForbiddenException(
        `${typeof url} ${typeof headers.authorization} ${Object.getPrototypeOf(headers) !== null}`,
      );
    });
    expect(await response(request)).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[^]*\r\n\r\nstring (string|undefined) true$/);
  });

  it('that is no WebSocket is refused before the guards run', async () => {
    let asked = 0;
    await start(() => ++asked);
    expect(await response(UPGRADE.replace('Sec-WebSocket-Key', 'X-Key'))).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect([asked, hooks]).toEqual([0, []]);
  });
});

it('guards decide over the connections of other transports too', async () => {
  const transport = new MemoryTransport();
  @UseHandshakeGuards(Guard)
  @WebwireGateway({ transport })
  class InProcess {}
  activate = (context) => context.switchToHttp().getRequest<IncomingMessage>().url === '/?right';
  app = await TestApp.start({ providers: [InProcess] });
  await expect(transport.connect('/?wrong')).rejects.toMatchObject({ status: 403, message: 'Forbidden resource' });
  const socket = await transport.connect('/?right');
  socket.close();
});
