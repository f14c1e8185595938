import { describe, expectTypeOf, it } from 'vitest';
import { MemoryTransport, type Message } from 'nestjs-webwire';
import { encodeMessage, MessageType, type ReplyMessage } from 'nestjs-webwire/protocol';
import { WebSocket } from 'ws';
import {
  Payload,
  type AbortSignalLike,
  type DisconnectedError,
  type ReceivedPayload,
  type WebSocketConstructor,
  type WebwireClient,
} from 'nestjs-webwire/client';

interface Room {
  readonly id: number;
}

interface Api {
  requests: { auth: [credentials: string, reply: void]; rooms: [body: void, reply: Room[]]; '': [Uint8Array, string] };
  streams: { ticks: [symbols: string[], tick: Room]; all: [body: void, item: number] };
  signals: { typing: Room; ping: undefined };
  serverSignals: { message: string };
}

// These tests check types only: the functions are not called, and errors appear in `npm run check`.
const types = (check: (client: WebwireClient<Api>, untyped: WebwireClient) => unknown): unknown => check;

describe('the types of a client with a contract', () => {
  it('check requests, their bodies and their replies', () => {
    types((client) => {
      expectTypeOf(client.request('auth', 'a:b')).resolves.toEqualTypeOf<ReceivedPayload<void>>();
      expectTypeOf(client.request('rooms')).resolves.toEqualTypeOf<ReceivedPayload<Room[]>>();
      expectTypeOf<ReceivedPayload<Room[]>['body']>().toEqualTypeOf<Room[]>();
      expectTypeOf((payload: ReceivedPayload<Room[]>) => payload.json()).returns.toEqualTypeOf<Room[]>();
      void client.request('auth', Payload.utf16('a:b'), { timeout: 5 });
      void client.request('rooms', undefined, { signal: new AbortController().signal });
      void client.request('', Uint8Array.of(1));
      // @ts-expect-error -- there is no such request
      void client.request('nope');
      // @ts-expect-error -- it has a body
      void client.request('auth');
      // @ts-expect-error -- which is a string
      void client.request('auth', 5);
      // @ts-expect-error -- this one has none
      void client.request('rooms', 'all');
      // @ts-expect-error -- that is a signal
      void client.request('typing', { id: 1 });
    });
  });

  it('check streams, their bodies and their items', () => {
    types(async (client) => {
      expectTypeOf(client.stream('ticks', ['ACME'])).toExtend<AsyncIterable<ReceivedPayload<Room>>>();
      for await (const item of client.stream('ticks', ['ACME'], { idleTimeout: 5 })) {
        expectTypeOf(item.body).toEqualTypeOf<Room>();
        expectTypeOf(item.json()).toEqualTypeOf<Room>();
      }
      for await (const { body } of client.stream('all')) expectTypeOf(body).toEqualTypeOf<number>();
      void client.stream('all', undefined, { signal: new AbortController().signal });
      void client.stream('ticks', Payload.utf8('["ACME"]'));
      // @ts-expect-error -- there is no such stream
      void client.stream('nope');
      // @ts-expect-error -- it has a body
      void client.stream('ticks');
      // @ts-expect-error -- which is a list of strings
      void client.stream('ticks', 'ACME');
      // @ts-expect-error -- this one has none
      void client.stream('all', 5);
      // @ts-expect-error -- that is a request
      void client.stream('rooms');
      // @ts-expect-error -- and that is a stream
      void client.request('all');
      // @ts-expect-error -- streams have no timeout
      void client.stream('all', undefined, { timeout: 5 });
    });
  });

  it('check signals of client and server', () => {
    types((client) => {
      void client.signal('typing', { id: 1 });
      void client.signal('ping');
      client.onSignal('message', (payload, name) => {
        expectTypeOf(payload.body).toEqualTypeOf<string>();
        expectTypeOf(name).toEqualTypeOf<'message'>();
      });
      client.onSignal((payload, name) => {
        expectTypeOf(payload.body).toEqualTypeOf<unknown>();
        expectTypeOf(name).toEqualTypeOf<string>();
      });
      // @ts-expect-error -- it has a body
      void client.signal('typing');
      // @ts-expect-error -- that one is of the server
      void client.signal('message', 'hi');
      // @ts-expect-error -- that one is of the client
      client.onSignal('typing', () => undefined);
    });
  });

  it('need not have all parts', () => {
    types(() => {
      const check = (client: WebwireClient<{ requests: { a: [string, string] } }>) => {
        void client.request('a', 'b');
        // @ts-expect-error -- there are no signals
        void client.signal('a');
        // @ts-expect-error -- nor streams
        void client.stream('a');
      };
      return check;
    });
  });
});

describe('the types of a client whose contract', () => {
  it('is any leave everything open', () => {
    types(() => {
      // oxlint-disable-next-line typescript/no-explicit-any -- users write it
      const check = (client: WebwireClient<any>) => {
        void client.request('a');
        void client.request('a', { b: 1 }, { timeout: 5 });
        void client.signal('a', 5);
        void client.stream('a', { b: 1 }, { idleTimeout: 5 });
        client.onSignal('a', (payload) => payload.text());
      };
      return check;
    });
  });

  it('has optional or missing members check the others', () => {
    interface OnlyRequests {
      requests: { a: [body: string, reply: number] };
    }
    interface Optional {
      requests?: { a: [body?: string, reply?: number] };
      signals?: undefined;
    }
    types(() => {
      const check = (only: WebwireClient<OnlyRequests>, optional: WebwireClient<Optional>) => {
        expectTypeOf(only.request('a', 'b')).resolves.toEqualTypeOf<ReceivedPayload<number>>();
        only.onSignal((payload, name) => [payload.text(), name]);
        expectTypeOf(optional.request('a')).resolves.toEqualTypeOf<ReceivedPayload<number | undefined>>();
        void optional.request('a', 'b');
        // @ts-expect-error -- there are no signals
        void only.signal('a');
        // @ts-expect-error -- there are none here either
        void optional.signal('a');
        // @ts-expect-error -- nor of the server
        only.onSignal('a', () => undefined);
      };
      return check;
    });
  });

  it('is given is assignable to that of a client without one', () => {
    expectTypeOf<WebwireClient<Api>>().toExtend<WebwireClient>();
  });
});

describe('the types of bytes', () => {
  it('fit Blobs and WebSockets of browsers', () => {
    expectTypeOf<ReceivedPayload['bytes']>().toEqualTypeOf<Uint8Array<ArrayBuffer>>();
    expectTypeOf<Payload['bytes']>().toEqualTypeOf<Uint8Array<ArrayBuffer>>();
    expectTypeOf<Message['payload']['bytes']>().toEqualTypeOf<Uint8Array<ArrayBuffer>>();
    expectTypeOf(encodeMessage).returns.toEqualTypeOf<Uint8Array<ArrayBuffer>>();
    expectTypeOf<ReplyMessage['payload']>().toEqualTypeOf<Uint8Array<ArrayBuffer>>();
    types(() => (bytes: Uint8Array) => encodeMessage({ type: MessageType.SignalBinary, name: 'a', payload: bytes }));
    types(() => (bytes: Uint8Array) => new Payload('binary', bytes));
  });
});

describe('the types of a client without a contract', () => {
  it('leave everything open', () => {
    types((_client, untyped) => {
      void untyped.request('a');
      void untyped.request('a', { any: 'thing' }, { deadline: new Date() });
      void untyped.signal('a', 5);
      expectTypeOf(untyped.stream('a', 5)).toExtend<AsyncIterable<ReceivedPayload>>();
      untyped.onSignal('a', (payload) => payload.text());
      expectTypeOf(untyped.request('a')).resolves.toEqualTypeOf<ReceivedPayload>();
      expectTypeOf((payload: ReceivedPayload) => payload.json<number>()).returns.toEqualTypeOf<number>();
    });
  });

  it('check events', () => {
    types((_client, untyped) => {
      untyped.on('disconnected', (event) => {
        expectTypeOf(event.willReconnect).toEqualTypeOf<boolean>();
        expectTypeOf(event.code).toEqualTypeOf<number | undefined>();
      });
      // @ts-expect-error -- there is no such event
      untyped.on('open', () => undefined);
    });
  });
});

describe('the types of the platform', () => {
  it('are those of ws, of the memory transport and of Node', () => {
    expectTypeOf<typeof WebSocket>().toExtend<WebSocketConstructor>();
    expectTypeOf<MemoryTransport['webSocket']>().toExtend<WebSocketConstructor>();
    expectTypeOf<AbortSignal>().toExtend<AbortSignalLike>();
  });

  it('are narrowed by the codes of errors', () => {
    expectTypeOf<DisconnectedError['code']>().toEqualTypeOf<'DISCONNECTED'>();
  });
});
