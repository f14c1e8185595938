import { Injectable, Scope, UseInterceptors, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireStream } from 'nestjs-webwire';
import { concat, from, interval, NEVER, Observable, of } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { Queue } from '../../support/queue.js';
import { TestApp } from '../../support/test-app.js';
import { describe, type WireClient } from '../../support/wire-client.js';

/** Does not hand on that its values are unsubscribed from. */
@Injectable()
class Forgetful {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) => {
      next.handle().subscribe({
        next: (value) => subscriber.next(value),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
  }
}

const ended = new Queue<string>();

class Streams {
  @WebwireStream('generator') async *generator(@MessageBody() text: string) {
    try {
      for (;;) yield text;
    } finally {
      ended.push('generator');
    }
  }
  @WebwireStream('iterable') iterable() {
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ value: 'item' }),
        return: () => {
          ended.push('iterable');
          return Promise.resolve({ done: true });
        },
      }),
    };
  }
  @WebwireStream('observable') observable() {
    return new Observable((subscriber) => {
      subscriber.add(() => ended.push('observable'));
      subscriber.add(concat(of('first'), NEVER).subscribe(subscriber));
    });
  }
  @WebwireStream('promised') async promised() {
    return Promise.resolve(this.observable());
  }
  @WebwireStream('failing') failing() {
    return new Observable((subscriber) => {
      subscriber.next('first');
      return () => {
        ended.push('failing');
        throw new Error('the teardown broke');
      };
    });
  }
  @WebwireStream('fast') fast() {
    return new Observable((subscriber) => {
      subscriber.add(() => ended.push('fast'));
      subscriber.add(from(interval(0)).subscribe(() => subscriber.next('x'.repeat(7_000))));
    });
  }
}

@UseInterceptors(Forgetful)
@WebwireGateway()
class Gateway extends Streams {}

@Injectable({ scope: Scope.REQUEST })
class PerMessage {}

@UseInterceptors(Forgetful)
@WebwireGateway({ path: '/scoped' })
class Scoped extends Streams {
  constructor(readonly _dependency: PerMessage) {
    super();
  }
}

const PATHS = ['/', '/scoped'];
const SOURCES = { generator: 'generator', iterable: 'iterable', observable: 'observable', promised: 'observable' };

async function start(path: string) {
  const options = { sessions: false as const, maxStreams: 1, maxBufferedAmount: 65_536 };
  const app = await TestApp.start({ providers: [Gateway, Scoped, PerMessage] }, options);
  onTestFinished(() => app.close());
  const client = await app.connect(path);
  await client.ask('wwr:extensions', '{"extensions":["stream","cancel"]}');
  return { app, client };
}

async function cancel(client: WireClient, id: Uint8Array) {
  client.signal(`wwr:cancel:${Buffer.from(id).toString('hex')}`);
  for (;;) if (describe(await client.next()).startsWith('error CANCELED')) return;
}

for (const path of PATHS) {
  for (const [name, source] of Object.entries(SOURCES)) {
    it(`a stream whose interceptor forgets to unsubscribe ends when the client gives it up: ${name} at ${path}`, async () => {
      const { client } = await start(path);
      // Each needs the one place for streams.
      for (let n = 0; n < 2; n++) {
        const id = client.send(name, 'item');
        expect(describe(await client.next())).toContain('wwr:item:');
        await cancel(client, id);
        expect(await ended.take()).toBe(source);
      }
    });

    it(`a stream whose interceptor forgets to unsubscribe ends with its connection: ${name} at ${path}`, async () => {
      const { client } = await start(path);
      client.send(name, 'item');
      await client.next();
      client.socket.terminate();
      expect(await ended.take()).toBe(source);
    });
  }
}

it('a stream with such an interceptor ends if the client takes too few items', async () => {
  const { client } = await start('/');
  client.send('fast');
  for (;;) if (describe(await client.next()).startsWith('error STREAM_OVERFLOW')) break;
  expect(await ended.take()).toBe('fast');
});

it('the failure of a source to end is logged', async () => {
  const { app, client } = await start('/');
  const id = client.send('failing');
  await client.next();
  await cancel(client, id);
  expect(await ended.take()).toBe('failing');
  await app.logger.logged('error', 'the teardown broke');
});
