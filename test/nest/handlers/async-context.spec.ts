import {
  Injectable,
  Scope,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ConnectedSocket } from '@nestjs/websockets';
import {
  MemorySessionManager,
  UseHandshakeGuards,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
  WsTransport,
  type SessionRecord,
  type WebwireConnection,
} from 'nestjs-webwire';
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MessageType, encodeMessage } from 'nestjs-webwire/protocol';
import { deferred, type Deferred } from '../../support/deferred.js';
import { TestApp } from '../../support/test-app.js';
import type { WireClient } from '../../support/wire-client.js';

let storage: AsyncLocalStorage<string>;
let left: Deferred<unknown>;

const seen = () => storage.getStore() ?? 'nothing';

class EnteringGuard {
  canActivate(context: ExecutionContext) {
    storage.enterWith(String(context.switchToWs().getData()));
    return true;
  }
}
class EnteringInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    storage.enterWith(String(context.switchToWs().getData()));
    return next.handle();
  }
}

class Sessions extends MemorySessionManager {
  override async onSessionCreated(...args: Parameters<MemorySessionManager['onSessionCreated']>) {
    storage.enterWith('created');
    return super.onSessionCreated(...args);
  }
  override onSessionLookup(key: string): SessionRecord | null {
    storage.enterWith('looked up');
    return super.onSessionLookup(key);
  }
  override async onSessionClosed(key: string) {
    storage.enterWith('closed');
    return super.onSessionClosed(key);
  }
}

class Handlers {
  handleDisconnect() {
    left.resolve(seen());
  }
  @WebwireRequest('seen') seen() {
    return seen();
  }
  @WebwireRequest('seen later') async later() {
    await new Promise(setImmediate);
    return seen();
  }
  @UseGuards(EnteringGuard) @WebwireRequest('guard') guard() {
    return seen();
  }
  @UseInterceptors(EnteringInterceptor) @WebwireRequest('interceptor') async interceptor() {
    await new Promise(setImmediate);
    return seen();
  }
  @WebwireRequest('handler') handler(_connection: unknown, body: string) {
    storage.enterWith(body);
    return seen();
  }
  @WebwireRequest('async handler') async asyncHandler(_connection: unknown, body: string) {
    storage.enterWith(body);
    await new Promise(setImmediate);
    return seen();
  }
  @WebwireSignal('handler') signal(_connection: unknown, body: string) {
    storage.enterWith(body);
  }
  @WebwireRequest('sign in') async signIn(@ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession();
    return seen();
  }
  @WebwireRequest('sign out') async signOut(@ConnectedSocket() connection: WebwireConnection) {
    await connection.closeSession();
  }
}

@WebwireGateway()
class StaticGateway extends Handlers {}

@WebwireGateway()
@Injectable({ scope: Scope.REQUEST })
class ScopedGateway extends Handlers {}

describe.each([StaticGateway, ScopedGateway])('a value in an AsyncLocalStorage (%o)', (gateway) => {
  let app: TestApp;
  let client: WireClient;

  beforeAll(async () => {
    app = await TestApp.start({ providers: [gateway] }, { sessions: { manager: new Sessions() } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    storage = new AsyncLocalStorage();
    left = deferred();
    client = await app.connect();
  });

  it.each(['guard', 'interceptor', 'handler', 'async handler'])(
    'of a %s is visible for the message only',
    async (name) => {
      expect(await client.ask(name, 'acme')).toBe('utf8 acme');
      expect(await client.ask('seen')).toBe('utf8 nothing');
      expect(await client.ask('seen later')).toBe('utf8 nothing');
      const other = await app.connect();
      expect(await other.ask('seen')).toBe('utf8 nothing');
    },
  );

  it.each(['guard', 'interceptor', 'async handler'])('of a %s is not mixed up with others', async (name) => {
    const answers: string[] = [];
    for (const body of ['a', 'b', 'c']) client.send(name, body);
    for (let count = 0; count < 3; count++) {
      const message = await client.next();
      answers.push(new TextDecoder().decode((message as { payload: Uint8Array }).payload));
    }
    expect(answers.toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('of a signal is not visible for other messages', async () => {
    client.signal('handler', 'acme');
    expect(await client.ask('seen')).toBe('utf8 nothing');
  });

  it('is gone in handleDisconnect', async () => {
    await client.ask('guard', 'acme');
    await client.ask('handler', 'acme');
    await client.close();
    expect(await left.promise).toBe('nothing');
  });

  it('of a session manager ends with the request for the session', async () => {
    client.send('sign in');
    const created = await client.next();
    expect(created.type).toBe(MessageType.SessionCreated);
    await client.next();
    expect(await client.ask('seen')).toBe('utf8 nothing');
    const { session } = created as { session: Uint8Array };
    const { k: key } = JSON.parse(Buffer.from(session).toString()) as { k: string };
    const other = await app.connect();
    other.sendBytes(
      encodeMessage({ type: MessageType.RequestRestoreSession, id: Buffer.alloc(8, 1), sessionKey: key }),
    );
    expect((await other.next()).type).toBe(MessageType.ReplyUtf8);
    expect(await other.ask('seen')).toBe('utf8 nothing');
    other.sendBytes(encodeMessage({ type: MessageType.RequestCloseSession, id: Buffer.alloc(8, 2) }));
    await other.next();
    expect(await other.ask('seen')).toBe('utf8 nothing');
  });
});

describe('a value in an AsyncLocalStorage', () => {
  it('of handleConnection or a handshake guard is not there for messages', async () => {
    storage = new AsyncLocalStorage();
    left = deferred();
    class Entering {
      canActivate() {
        storage.enterWith('handshake');
        return true;
      }
    }
    @UseHandshakeGuards(Entering)
    @WebwireGateway()
    class Gateway extends Handlers {
      readonly connected = deferred<unknown>();
      handleConnection() {
        this.connected.resolve(seen());
        storage.enterWith('connection');
      }
    }
    const app = await TestApp.start({ providers: [Gateway] }, { sessions: false });
    const client = await app.connect();
    expect(await app.get(Gateway).connected.promise).toBe('nothing');
    expect(await client.ask('seen')).toBe('utf8 nothing');
    await client.close();
    expect(await left.promise).toBe('nothing');
    await app.close();
  });

  it('of a handler that sends much is not there for messages that were held up meanwhile', async () => {
    storage = new AsyncLocalStorage();
    left = deferred();
    const body = randomBytes(60_000);
    const seenInBulk: unknown[] = [];
    @WebwireGateway()
    class Gateway extends Handlers {
      @WebwireRequest('send much') sendMuch(@ConnectedSocket() connection: WebwireConnection) {
        storage.enterWith('acme');
        for (let count = 0; count < 20; count++) connection.signal('much', body);
      }
      @WebwireRequest('bulk') bulk() {
        seenInBulk.push(seen());
        return body;
      }
    }
    const app = await TestApp.start(
      { providers: [Gateway] },
      {
        sessions: false,
        messageBufferSize: 100_000,
        maxBufferedAmount: 2_000_000,
        transport: new WsTransport({ perMessageDeflate: true }),
      },
    );
    const client = new WebSocket(app.url());
    const answered = deferred();
    let replies = 0;
    client.on(
      'message',
      ([type]: Buffer) => type === MessageType.ReplyBinary && ++replies === 101 && answered.resolve(),
    );
    await once(client, 'open');
    const payload = Buffer.from('x');
    const request = (name: string) =>
      client.send(encodeMessage({ type: MessageType.RequestUtf8, id: Buffer.alloc(8, 1), name, payload }));
    request('send much');
    for (let count = 0; count < 100; count++) request('bulk');
    await answered.promise;
    expect(new Set(seenInBulk)).toEqual(new Set(['nothing']));
    client.close();
    expect(await left.promise).toBe('nothing');
    await app.close();
  });
});
