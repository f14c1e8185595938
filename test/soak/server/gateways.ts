import {
  BadRequestException,
  Injectable,
  Scope,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { ConnectedSocket, MessageBody, WebSocketServer, WsException } from '@nestjs/websockets';
import {
  jsonCodec,
  Message,
  RequestError,
  SessionError,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireServer,
  WebwireService,
  WebwireSignal,
} from 'nestjs-webwire';
import { setTimeout as delay } from 'node:timers/promises';
import { map, type Observable } from 'rxjs';
import {
  GUARDED_PATH,
  ON_PURPOSE,
  pattern,
  SHORT_READ_TIMEOUT,
  type BurstBody,
  type FailureKind,
  type FloodBody,
  type SlowBody,
} from '../wire.js';
import { Ledger } from './ledger.js';

const FAILURES: Readonly<Record<FailureKind, () => Error>> = {
  'request-error': () => new RequestError('CHOSEN', ON_PURPOSE),
  'ws-exception': () => new WsException(ON_PURPOSE),
  'http-exception': () => new BadRequestException(ON_PURPOSE),
  error: () => new Error(ON_PURPOSE),
  rejection: () => new Error(ON_PURPOSE),
};

/** Handlers of all gateways. */
@Injectable()
abstract class Handlers {
  constructor(
    protected readonly ledger: Ledger,
    protected readonly webwire: WebwireService,
  ) {}

  handleConnection(connection: WebwireConnection): Promise<void> {
    return this.ledger.connect(async () => {
      await delay(connection.createdAt.getTime() % 20);
    });
  }

  handleDisconnect(connection: WebwireConnection): Promise<void> {
    return this.ledger.disconnect(async () => {
      await delay(connection.createdAt.getTime() % 50);
    });
  }

  @WebwireRequest('echo')
  echo(@WebwireMessage() { payload }: Message) {
    return this.ledger.handle('echo', () => payload);
  }

  @WebwireRequest('slow', { codec: jsonCodec })
  slow(
    @MessageBody() { id, ms, text, stops }: SlowBody,
    @ConnectedSocket() connection: WebwireConnection,
    @WebwireMessage() message: Message,
  ) {
    return this.ledger.handle('slow', async () => {
      connection.signal('started', id);
      await delay(ms, undefined, stops ? { signal: message.abortSignal } : {}).catch(() => undefined);
      return text;
    });
  }

  @WebwireRequest('fail')
  fail(@MessageBody() kind: FailureKind): Promise<never> {
    return this.ledger.handle('fail', () => {
      const failure = FAILURES[kind]();
      if (kind !== 'rejection') throw failure;
      return delay(5).then(() => Promise.reject(failure));
    });
  }

  /** Replies that are larger than some buffers, on purpose. */
  @WebwireRequest('large', { codec: jsonCodec })
  large(@MessageBody() { size, start }: { size: number; start: number }) {
    return this.ledger.handle('large', () => pattern(size, start));
  }

  @WebwireRequest('burst', { codec: jsonCodec })
  burst(@MessageBody() { id, count }: BurstBody, @ConnectedSocket() connection: WebwireConnection) {
    return this.ledger.handle('burst', async () => {
      for (let sent = 0; sent < count; sent++) {
        connection.signal('burst', `${id} ${sent}`);
        if (sent % 3 === 0) await delay(1);
      }
      return String(count);
    });
  }

  /** Sends more than a client that does not read can receive. */
  @WebwireRequest('flood', { codec: jsonCodec })
  flood(@MessageBody() { count, size }: FloodBody, @ConnectedSocket() connection: WebwireConnection) {
    return this.ledger.handle('flood', () => {
      const body = pattern(size, 0);
      for (let sent = 0; sent < count && connection.isActive; sent++) connection.signal('flood', body);
    });
  }

  /** Closes the connection, whose other handlers may still run. */
  @WebwireRequest('leave')
  leave(@ConnectedSocket() connection: WebwireConnection) {
    return this.ledger.handle('leave', async () => {
      await connection.close();
      return 'goodbye';
    });
  }

  @WebwireRequest('sign-in')
  signIn(@MessageBody() user: string, @ConnectedSocket() connection: WebwireConnection) {
    return this.ledger.handle('sign-in', async () => {
      await connection.closeSession();
      await connection.createSession({ user }).catch(explain);
      return user;
    });
  }

  @WebwireRequest('sign-out')
  signOut(@ConnectedSocket() connection: WebwireConnection) {
    return this.ledger.handle('sign-out', () => connection.closeSession());
  }

  /** Closes a session on all its connections, and replies with their number. */
  @WebwireRequest('revoke')
  revoke(@MessageBody() key: string) {
    return this.ledger.handle('revoke', async () => String(await this.webwire.closeSession(key)));
  }

  @WebwireRequest('join')
  join(@MessageBody() group: string, @ConnectedSocket() connection: WebwireConnection) {
    return this.ledger.handle('join', () => this.webwire.join(connection, group));
  }

  @WebwireRequest('quit')
  quit(@MessageBody() group: string, @ConnectedSocket() connection: WebwireConnection) {
    return this.ledger.handle('quit', () => this.webwire.leave(connection, group));
  }

  /** Clients number their notes. No note may be lost or overtake another one. */
  @WebwireSignal('note')
  note(@MessageBody() body: string, @ConnectedSocket() connection: WebwireConnection): void {
    this.ledger.handle('note', () => {
      const { info } = connection;
      const due = ((info.notes as number | undefined) ?? 0) + 1;
      if (Number(body) !== due) this.ledger.fail(`note ${body} arrived when ${due} was due`);
      info.notes = due;
    });
  }

  @WebwireSignal('work')
  work(@MessageBody() ms: string): Promise<void> {
    return this.ledger.handle('work', () => delay(Number(ms)));
  }

  @WebwireSignal('fail')
  failOnSignal(): Promise<void> {
    return this.ledger.handle('fail', async () => {
      throw new Error(ON_PURPOSE);
    });
  }
}

/** Reports expected errors: clients may sign in twice at the same time, and leave meanwhile. */
function explain(error: unknown): never {
  const isExpected = error instanceof SessionError && ['SESSION_ACTIVE', 'CONNECTION_CLOSED'].includes(error.code);
  throw isExpected ? new RequestError(error.code) : error;
}

/** A gateway with default options. */
@WebwireGateway()
export class PlainGateway extends Handlers {}

/** A gateway with narrow limits on its own port, so that messages wait and clients are disconnected. */
@WebwireGateway(0, {
  readTimeout: SHORT_READ_TIMEOUT,
  messageBufferSize: 65_536,
  maxBufferedAmount: 262_144,
  concurrencyLimit: 3,
})
export class NarrowGateway extends Handlers {
  @WebSocketServer() readonly server!: WebwireServer;
}

/** Lives for one message. */
@Injectable({ scope: Scope.REQUEST })
class MessageScopedGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    await delay(1);
    return true;
  }
}

class PassingInterceptor implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: unknown) => value));
  }
}

class PassingPipe implements PipeTransform {
  transform(value: unknown): unknown {
    return value;
  }
}

/** A gateway with all kinds of enhancers, without sessions, and with few connections. */
@UseGuards(MessageScopedGuard)
@UseInterceptors(PassingInterceptor)
@WebwireGateway({ path: GUARDED_PATH, sessions: false, maxConnections: 100 })
export class GuardedGateway extends Handlers {
  @WebwireRequest('piped')
  piped(@MessageBody(PassingPipe) body: string) {
    return this.ledger.handle('piped', () => body);
  }

  /** Not checked here: with guards that differ in duration, notes may overtake each other. */
  override note(): void {
    this.ledger.handle('note', () => undefined);
  }
}
