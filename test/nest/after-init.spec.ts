import { WebSocketServer } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, WebwireServer } from 'nestjs-webwire';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../support/deferred.js';
import { refusal } from '../support/refusal.js';
import { RecordingLogger, TestApp } from '../support/test-app.js';
import { NestFactory } from '@nestjs/core';
import { Module, Scope, Injectable, type INestApplication } from '@nestjs/common';
import { WebwireModule } from 'nestjs-webwire';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const opened: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const closable of opened.splice(0).toReversed()) await closable.close();
});

/** An application that is not initialised, but whose HTTP server listens already. */
async function create(gateway: new () => object, logger = new RecordingLogger()): Promise<[INestApplication, string]> {
  @Module({ imports: [WebwireModule.forRoot()], providers: [gateway] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger });
  opened.push(app);
  const httpServer = app.getHttpServer() as Server;
  await once(httpServer.listen(0, '127.0.0.1'), 'listening');
  return [app, `ws://127.0.0.1:${(httpServer.address() as AddressInfo).port}/`];
}

describe('an afterInit that fails', () => {
  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no tokens');
      },
    ],
    ['rejects at once', () => Promise.reject(new Error('no tokens'))],
    ['rejects later', async () => Promise.resolve().then(() => Promise.reject(new Error('no tokens')))],
    // eslint-disable-next-line unicorn/no-thenable -- as the promises of other libraries are
    ['fails in a thenable', () => ({ then: (_ok: unknown, fail: (e: Error) => void) => fail(new Error('no tokens')) })],
  ])('fails the start when it %s', async (_how, afterInit) => {
    @WebwireGateway()
    class Guarded {
      afterInit() {
        return afterInit();
      }
    }
    const [app, url] = await create(Guarded);
    const starting = app.init();
    await expect(starting).rejects.toThrow('Guarded.afterInit() failed, so the application does not start: no tokens');
    await expect(starting).rejects.toMatchObject({ cause: { message: 'no tokens' } });
    expect(await refusal(url)).toBe('503 server starting');
  });

  it.each([undefined, null, 'a string', { code: 5 }])(
    'fails the start with a value that is no error, too: %o',
    async (reason) => {
      @WebwireGateway()
      class Guarded {
        afterInit() {
          // eslint-disable-next-line no-throw-literal, typescript/only-throw-error -- applications do
          throw reason;
        }
      }
      await expect(TestApp.start({ providers: [Guarded] })).rejects.toThrow('Guarded.afterInit() failed');
    },
  );

  it('fails the start of a plain gateway and of a request-scoped one', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerMessage {}
    @WebwireGateway()
    class Scoped {
      constructor(readonly dependency: PerMessage) {}
      afterInit() {
        throw new Error('no tokens');
      }
    }
    await expect(TestApp.start({ providers: [Scoped, PerMessage] })).rejects.toThrow('Scoped.afterInit() failed');
  });

  it('opens no port of its own', async () => {
    @WebwireGateway()
    class Guarded {
      @WebSocketServer() server!: WebwireServer;
      static last: Guarded;
      constructor() {
        Guarded.last = this;
      }
      afterInit() {
        throw new Error('no tokens');
      }
    }
    await expect(TestApp.start({ providers: [Guarded] }, { gateways: { Guarded: { port: 0 } } })).rejects.toThrow(
      'no tokens',
    );
    expect(Guarded.last.server.address).toBeNull();
  });
});

describe('a slow afterInit', () => {
  it('holds clients off until it has ended, and is named in the log', async () => {
    const work = deferred();
    const logger = new RecordingLogger();
    @WebwireGateway()
    class Slow {
      async afterInit() {
        await work.promise;
      }
      @WebwireRequest('x') x() {
        return 'x';
      }
    }
    const [app, url] = await create(Slow, logger);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const starting = app.init();
    await vi.waitUntil(() => {
      vi.advanceTimersByTime(5_000);
      return logger.at('warn').length > 0;
    });
    vi.useRealTimers();
    expect(logger.at('warn').join()).toContain('The start still waits for afterInit() of Slow');
    expect(await refusal(url)).toBe('503 server starting');
    work.resolve();
    await starting;
  });
});
