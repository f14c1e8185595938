import { describe, expectTypeOf, it } from 'vitest';
import { MemoryTransport } from 'nestjs-webwire';
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
  signals: { typing: Room; ping: undefined };
  serverSignals: { message: string };
}

// Types only: what is here is never called. `npm run typecheck` is what fails.
const types = (check: (client: WebwireClient<Api>, untyped: WebwireClient) => unknown): unknown => check;

describe('the types of a client with a contract', () => {
  it('know requests, their bodies and their replies', () => {
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

  it('know signals, both ways', () => {
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
      };
      return check;
    });
  });
});

describe('the types of a client without a contract', () => {
  it('leave everything open', () => {
    types((_client, untyped) => {
      void untyped.request('a');
      void untyped.request('a', { any: 'thing' }, { deadline: new Date() });
      void untyped.signal('a', 5);
      untyped.onSignal('a', (payload) => payload.text());
      expectTypeOf(untyped.request('a')).resolves.toEqualTypeOf<ReceivedPayload>();
      expectTypeOf((payload: ReceivedPayload) => payload.json<number>()).returns.toEqualTypeOf<number>();
    });
  });

  it('know events', () => {
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

  it('are told by the codes of errors', () => {
    expectTypeOf<DisconnectedError['code']>().toEqualTypeOf<'DISCONNECTED'>();
  });
});
