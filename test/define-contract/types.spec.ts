// oxlint-disable no-unused-vars -- only the types of parameters matter
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { type as arktype } from 'arktype';
import {
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type Message,
  type WebwireConnection,
  type WebwireService,
} from 'nestjs-webwire';
import { Payload, WebwireClient, type ReceivedPayload } from 'nestjs-webwire/client';
import {
  defineContract,
  type ApiOf,
  type BodyInput,
  type BodyOutput,
  type DefinedContract,
  type ErrorCode,
  type ResultInput,
  type ResultOutput,
  type SchemaInput,
  type SchemaOutput,
} from 'nestjs-webwire/contract';
import type { WebwireEmitter } from 'nestjs-webwire/redis';
import { createTestClient } from 'nestjs-webwire/testing';
import { of, type Observable } from 'rxjs';
import * as v from 'valibot';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

interface Room {
  id: number;
  name: string;
}

const CreateRoom = z.object({ name: z.string(), size: z.number().default(10) });
const RoomSchema = z.object({ id: z.number(), name: z.string() });
const Length = z.string().transform((text) => text.length);

const chat = defineContract({
  requests: {
    'rooms.create': {
      body: CreateRoom,
      reply: RoomSchema,
      errors: { NAME_TAKEN: 'taken', FULL: 'full' },
      summary: 'Opens',
    },
    leave: {},
    count: { reply: z.number() },
    rename: { body: z.string().optional() },
    length: { body: Length, reply: Length },
    valibot: { body: v.object({ a: v.number() }), reply: v.array(v.string()) },
    arktype: { body: arktype({ a: 'number' }), reply: arktype('string') },
  },
  streams: { ticks: { body: z.array(z.string()), item: z.object({ n: z.number() }) }, all: { item: z.string() } },
  signals: { typing: { body: z.object({ room: z.string() }) }, ping: {} },
  serverSignals: { message: { body: RoomSchema }, ended: {}, length: { body: Length } },
});

type Chat = ApiOf<typeof chat>;

// These tests check types only: the functions are not called, and errors appear in `npm run typecheck`.
const types = (check: (...args: never[]) => unknown): unknown => check;

describe('the types of a contract', () => {
  it('have names and kinds of the entries', () => {
    expectTypeOf(chat.requests['rooms.create'].name).toEqualTypeOf<'rooms.create'>();
    expectTypeOf(chat.requests['rooms.create'].kind).toEqualTypeOf<'request'>();
    expectTypeOf(chat.streams.ticks.kind).toEqualTypeOf<'stream'>();
    expectTypeOf(chat.signals.typing.kind).toEqualTypeOf<'signal'>();
    expectTypeOf(chat.serverSignals.message.kind).toEqualTypeOf<'serverSignal'>();
    expectTypeOf<keyof typeof chat.signals>().toEqualTypeOf<'typing' | 'ping'>();
    expectTypeOf<typeof chat>().toExtend<DefinedContract>();
  });

  it('infer bodies and replies, before and after the schemas transform them', () => {
    type Create = (typeof chat.requests)['rooms.create'];
    expectTypeOf<BodyInput<Create>>().toEqualTypeOf<{ name: string; size?: number | undefined }>();
    expectTypeOf<BodyOutput<Create>>().toEqualTypeOf<{ name: string; size: number }>();
    expectTypeOf<ResultInput<Create>>().toEqualTypeOf<Room>();
    expectTypeOf<ResultOutput<(typeof chat.requests)['length']>>().toEqualTypeOf<number>();
    expectTypeOf<ResultInput<(typeof chat.requests)['length']>>().toEqualTypeOf<string>();
    expectTypeOf<ResultOutput<typeof chat.streams.ticks>>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<BodyInput<typeof chat.signals.typing>>().toEqualTypeOf<{ room: string }>();
    expectTypeOf<BodyOutput<typeof chat.requests.leave>>().toEqualTypeOf<void>();
    expectTypeOf<ResultOutput<typeof chat.requests.leave>>().toEqualTypeOf<void>();
    expectTypeOf<BodyOutput<typeof chat.requests.valibot>>().toEqualTypeOf<{ a: number }>();
    expectTypeOf<ResultOutput<typeof chat.requests.arktype>>().toEqualTypeOf<string>();
    expectTypeOf<SchemaInput<typeof Length>>().toEqualTypeOf<string>();
    expectTypeOf<SchemaOutput<undefined>>().toEqualTypeOf<void>();
  });

  it('infer the codes of errors', () => {
    expectTypeOf<ErrorCode<(typeof chat.requests)['rooms.create']>>().toEqualTypeOf<'NAME_TAKEN' | 'FULL'>();
    expectTypeOf<ErrorCode<typeof chat.requests.leave>>().toEqualTypeOf<never>();
  });

  it('have no names in parts that are left out', () => {
    const small = defineContract({ requests: { a: {} } });
    expectTypeOf<keyof typeof small.streams>().toEqualTypeOf<never>();
    // @ts-expect-error -- there is no such signal
    types(() => small.signals.typing);
    // @ts-expect-error -- there is no such request
    types(() => small.requests.b);
  });

  it('refuse wrong specifications', () => {
    // @ts-expect-error -- there is no such part
    types(() => defineContract({ request: {} }));
    // @ts-expect-error -- an entry is no schema
    types(() => defineContract({ requests: { a: { body: { name: 'string' } } } }));
    // @ts-expect-error -- meanings are texts
    types(() => defineContract({ requests: { a: { errors: { A: 5 } } } }));
    // @ts-expect-error -- a schema is no entry
    types(() => defineContract({ requests: { a: z.string() } }));
  });
});

describe('the types of decorators', () => {
  it('accept methods that fit', () => {
    types(() => {
      @WebwireGateway()
      class Gateway {
        @WebwireRequest(chat.requests['rooms.create']) create(@MessageBody() body: { name: string; size: number }) {
          return { id: body.size, name: body.name, more: true };
        }
        @WebwireRequest(chat.requests['rooms.create']) async later(@MessageBody() { name }: { name: string }) {
          return Promise.resolve({ id: 1, name });
        }
        @WebwireRequest(chat.requests['rooms.create']) observed(
          @ConnectedSocket() _: WebwireConnection,
          @MessageBody() body: { name: string },
        ): Observable<Room> {
          return of({ id: 1, name: body.name });
        }
        @WebwireRequest(chat.requests['rooms.create']) async promisedObservable(
          body: unknown,
        ): Promise<Observable<Room>> {
          return Promise.resolve(of(body as Room));
        }
        // No parameter is a body, but all are of known kinds.
        @WebwireRequest(chat.requests['rooms.create']) ignored(
          @ConnectedSocket() { session }: WebwireConnection,
          @WebwireMessage() _: Message,
        ): Room {
          return { id: session ? 1 : 2, name: '' };
        }
        @WebwireRequest(chat.requests.leave) leave(@ConnectedSocket() _: Pick<WebwireConnection, 'session'>) {}
        @WebwireRequest(chat.requests.leave) async leaveLater() {}
        // Decorators of the application give a parameter any type.
        @WebwireRequest(chat.requests.leave) leavePerson(_: Room): void {}
        @WebwireRequest(chat.requests.rename) rename(_person: Room, _name: string | undefined) {}
        @WebwireRequest(chat.requests.count) count() {
          return 5;
        }
        @WebwireRequest(chat.requests.length) length(@MessageBody() length: number) {
          return String(length);
        }
        @WebwireStream(chat.streams.ticks) async *ticks(@MessageBody() names: string[]) {
          for (const name of names) yield { n: name.length };
        }
        @WebwireStream(chat.streams.all) all(): Observable<string> {
          return of('a');
        }
        @WebwireSignal(chat.signals.typing) typing(@MessageBody() body: { room: string }) {
          return body;
        }
        @WebwireSignal(chat.signals.ping) async ping() {}
        @WebwireRequest('free') free(): number {
          return 1;
        }
        @WebwireRequest({ name: 'options' }) options(): number {
          return 1;
        }
      }
      return Gateway;
    });
  });

  it('refuse methods that do not fit', () => {
    types(() => {
      @WebwireGateway()
      class Gateway {
        // @ts-expect-error -- the reply has an id
        @WebwireRequest(chat.requests['rooms.create']) a(@MessageBody() body: { name: string }) {
          return { name: body.name };
        }
        // @ts-expect-error -- nor does the promised one
        @WebwireRequest(chat.requests['rooms.create']) async b(@MessageBody() _: { name: string }) {
          return Promise.resolve({ id: 'x', name: '' });
        }
        // @ts-expect-error -- nor does that of the Observable
        @WebwireRequest(chat.requests['rooms.create']) c(@MessageBody() _: { name: string }): Observable<string> {
          return of('');
        }
        // @ts-expect-error -- a reply is required
        @WebwireRequest(chat.requests.count) d(): void {}
        // @ts-expect-error -- there is no reply
        @WebwireRequest(chat.requests.leave) e() {
          return 5;
        }
        // @ts-expect-error -- nor a promised one
        @WebwireRequest(chat.requests.leave) async f() {
          return Promise.resolve(5);
        }
        // @ts-expect-error -- the body has no such property
        @WebwireRequest(chat.requests['rooms.create']) g(@MessageBody() _: { title: string }): Room {
          return { id: 1, name: '' };
        }
        // @ts-expect-error -- the body is no string
        @WebwireRequest(chat.requests['rooms.create']) h(
          @MessageBody() _: string,
          @ConnectedSocket() _connection: WebwireConnection,
        ): Room {
          return { id: 1, name: '' };
        }
        // @ts-expect-error -- the body is transformed into a number
        @WebwireRequest(chat.requests.length) i(@MessageBody() body: string) {
          return body;
        }
        // @ts-expect-error -- the schema takes a string
        @WebwireRequest(chat.requests.length) j(@MessageBody() body: number) {
          return body;
        }
        // @ts-expect-error -- items have the member n
        @WebwireStream(chat.streams.ticks) async *k(@MessageBody() names: string[]) {
          yield* names;
        }
        // @ts-expect-error -- a stream is no single value
        @WebwireStream(chat.streams.all) l() {
          return 'a';
        }
        // @ts-expect-error -- the body of the signal has a room
        @WebwireSignal(chat.signals.typing) m(@MessageBody() _: { person: string }) {}
        // @ts-expect-error -- a signal is no request
        @WebwireRequest(chat.signals.ping) n() {}
        // @ts-expect-error -- a request is no signal
        @WebwireSignal(chat.requests.leave) o() {}
        // @ts-expect-error -- a signal of the server has no handler
        @WebwireSignal(chat.serverSignals.ended) p() {}
        // @ts-expect-error -- a request is no stream
        @WebwireStream(chat.requests.leave) async *q() {}
        // @ts-expect-error -- a stream is no request
        @WebwireRequest(chat.streams.all) r() {}
        // @ts-expect-error -- an entry has no options
        @WebwireRequest(chat.requests.leave, {}) s() {}
      }
      return Gateway;
    });
  });
});

describe('the types of a client', () => {
  it('follow its contract', () => {
    types(() => {
      const client = new WebwireClient('ws://localhost', { contract: chat, validate: false, requestTimeout: 5 });
      expectTypeOf(client).toEqualTypeOf<WebwireClient<Chat>>();
      expectTypeOf(client.request('rooms.create', { name: 'a' })).resolves.toEqualTypeOf<ReceivedPayload<Room>>();
      expectTypeOf(client.request('length', 'abc')).resolves.toEqualTypeOf<ReceivedPayload<number>>();
      expectTypeOf(client.request('leave')).resolves.toEqualTypeOf<ReceivedPayload<void>>();
      expectTypeOf(client.request('valibot', { a: 1 })).resolves.toEqualTypeOf<ReceivedPayload<string[]>>();
      expectTypeOf(client.stream('ticks', ['a'])).toEqualTypeOf<
        AsyncGenerator<ReceivedPayload<{ n: number }>, undefined>
      >();
      void client.request('rename');
      void client.request('rename', 'b', { timeout: 1 });
      void client.request('rooms.create', Payload.json({}));
      void client.signal('typing', { room: 'a' });
      void client.signal('ping');
      client.onSignal('message', ({ body }) => expectTypeOf(body).toEqualTypeOf<Room>());
      client.onSignal('length', ({ body }) => expectTypeOf(body).toEqualTypeOf<number>());
      client.onSignal('ended', ({ body }) => expectTypeOf(body).toEqualTypeOf<void>());
      // @ts-expect-error -- there is no such request
      void client.request('rooms.close');
      // @ts-expect-error -- the body has a name
      void client.request('rooms.create', { title: 'a' });
      // @ts-expect-error -- the body is required
      void client.request('rooms.create');
      // @ts-expect-error -- the schema takes a string
      void client.request('length', 5);
      // @ts-expect-error -- a request is no stream
      client.stream('leave');
      // @ts-expect-error -- the names are a list
      client.stream('ticks', 'a');
      // @ts-expect-error -- a signal has a body
      void client.signal('typing');
      // @ts-expect-error -- the server sends it
      void client.signal('message', { id: 1, name: '' });
      // @ts-expect-error -- the client sends it
      client.onSignal('typing', () => undefined);
    });
  });

  it('can be named', () => {
    types((client: WebwireClient<Chat>) => client.request('count'));
    expectTypeOf<Chat['requests']['count']>().toEqualTypeOf<[body: void, reply: number]>();
    expectTypeOf<WebwireClient<Chat>>().toExtend<WebwireClient>();
  });

  it('may come from an interface instead', () => {
    interface Api {
      requests: { a: [string, number] };
    }
    types(() => {
      expectTypeOf(new WebwireClient<Api>('').request('a', 'b')).resolves.toEqualTypeOf<ReceivedPayload<number>>();
      expectTypeOf(new WebwireClient('').request('a')).resolves.toEqualTypeOf<ReceivedPayload>();
      // @ts-expect-error -- the contract has other requests
      return new WebwireClient<Api>('', { contract: chat });
    });
  });

  it('of a test follow its contract', () => {
    types((app: Parameters<typeof createTestClient>[0]) =>
      expectTypeOf(createTestClient(app, { contract: chat })).toEqualTypeOf<WebwireClient<Chat>>(),
    );
  });

  it('take contracts only', () => {
    // @ts-expect-error -- that is no contract
    types(() => new WebwireClient('', { contract: {} }));
  });
});

describe('the types of signals of the server', () => {
  it('follow their entries', () => {
    types((connection: WebwireConnection, webwire: WebwireService, emitter: WebwireEmitter) => {
      const room = { id: 1, name: '' };
      connection.signal(chat.serverSignals.message, room);
      connection.signal(chat.serverSignals.ended);
      connection.signal(chat.serverSignals.length, 'abc');
      webwire.broadcast(chat.serverSignals.message, room, { except: connection });
      webwire.broadcast(chat.serverSignals.ended, undefined, { except: connection });
      webwire.signalGroup('a', chat.serverSignals.message, room, { local: true });
      webwire.signalSession('a', chat.serverSignals.message, room);
      void emitter.broadcast(chat.serverSignals.message, room, { except: 'id' });
      void emitter.signalGroup('a', chat.serverSignals.ended);
      void emitter.signalSession('a', chat.serverSignals.message, room);
      connection.signal('any', { any: 'thing' });
      // @ts-expect-error -- the body has a name
      connection.signal(chat.serverSignals.message, { id: 1 });
      // @ts-expect-error -- the body is required
      connection.signal(chat.serverSignals.message);
      // @ts-expect-error -- there is no body
      connection.signal(chat.serverSignals.ended, 5);
      // @ts-expect-error -- the schema takes a string
      connection.signal(chat.serverSignals.length, 5);
      // @ts-expect-error -- the client sends it
      connection.signal(chat.signals.typing, { room: 'a' });
      // @ts-expect-error -- the body has a name
      webwire.broadcast(chat.serverSignals.message, { id: 1 });
      // @ts-expect-error -- the body has a name
      webwire.signalGroup('a', chat.serverSignals.message, { id: 1 });
      // @ts-expect-error -- the body has a name
      webwire.signalSession('a', chat.serverSignals.message, { id: 1 });
      // @ts-expect-error -- the body has a name
      void emitter.broadcast(chat.serverSignals.message, { id: 1 });
      // @ts-expect-error -- the body has a name
      void emitter.signalGroup('a', chat.serverSignals.message, { id: 1 });
      // @ts-expect-error -- the body has a name
      void emitter.signalSession('a', chat.serverSignals.message, { id: 1 });
    });
  });
});
