import {
  BadRequestException,
  ForbiddenException,
  HttpException,
  Injectable,
  Scope,
  UseGuards,
  UseInterceptors,
  UsePipes,
  createParamDecorator,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import {
  jsonCodec,
  Payload,
  RequestError,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  type Message,
  type WebwireConnection,
} from 'nestjs-webwire';
import { EMPTY, finalize, interval, map, mergeMap, Observable, of, tap, throwError, timer } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { TestApp } from '../../support/test-app.js';
import type { WireClient } from '../../support/wire-client.js';

const Name = createParamDecorator((_data: unknown, context: ExecutionContext) => context.switchToWs().getPattern());
const LaterName = createParamDecorator(async (_data: unknown, context: ExecutionContext) =>
  Promise.resolve(context.switchToWs().getPattern()),
);
const Rejects = createParamDecorator(async () => Promise.reject(new RequestError('FIRST', 'parameter')));
const Throws = createParamDecorator(() => {
  throw new RequestError('SECOND', 'parameter');
});
const HostType = createParamDecorator((_data: unknown, context: ExecutionContext) => context.getType());

/** Makes an object with the same members, but of another class, as another copy of the package has it. */
function ofAnotherCopy(value: object): object {
  const members: PropertyDescriptorMap = {};
  let prototype = value;
  while (prototype !== Error.prototype && prototype !== Object.prototype) {
    Object.assign(members, { ...Object.getOwnPropertyDescriptors(prototype), ...members });
    prototype = Object.getPrototypeOf(prototype) as object;
  }
  return Object.create(prototype, members) as object;
}

class Handlers {
  private readonly greeting = 'Hello';

  @WebwireRequest('string') string() {
    return 'text';
  }
  @WebwireRequest('bytes') bytes() {
    return new Uint8Array([1, 2, 255]);
  }
  @WebwireRequest('buffer') buffer() {
    return Buffer.from('ab');
  }
  @WebwireRequest('array buffer') arrayBuffer() {
    return new Uint8Array([1, 2]).buffer;
  }
  @WebwireRequest('view') view() {
    return new DataView(new Uint8Array([1, 2, 3]).buffer, 1);
  }
  @WebwireRequest('connection') connection(connection: WebwireConnection) {
    return Object.keys(JSON.parse(JSON.stringify({ connection })).connection);
  }
  @WebwireRequest('undefined') nothing() {}
  @WebwireRequest('null') null() {
    return null;
  }
  @WebwireRequest('utf16') utf16() {
    return Payload.utf16('ї😀');
  }
  @WebwireRequest('empty utf8') emptyUtf8() {
    return Payload.utf8('');
  }
  @WebwireRequest('object') object() {
    return { a: [1, null] };
  }
  @WebwireRequest('number') number() {
    return 0;
  }
  @WebwireRequest('boolean') boolean() {
    return false;
  }
  @WebwireRequest('promise') async promise() {
    return Promise.resolve('later');
  }
  @WebwireRequest('thenable') thenable() {
    // eslint-disable-next-line unicorn/no-thenable
    return { then: (resolve: (value: string) => void) => resolve('thenable') };
  }
  @WebwireRequest('observable') observable() {
    return of('first', 'last');
  }
  @WebwireRequest('later observable') laterObservable() {
    return timer(1).pipe(map(() => 'timer'));
  }
  @WebwireRequest('promised observable') async promisedObservable() {
    return Promise.resolve(of('promised'));
  }
  @WebwireRequest('empty observable') emptyObservable() {
    return EMPTY;
  }
  @WebwireRequest('failing observable') failingObservable() {
    return throwError(() => new RequestError('STREAM', 'broke'));
  }
  @WebwireRequest('this') ownThis() {
    return this.greeting;
  }

  @WebwireRequest('undecorated') undecorated(connection: WebwireConnection, body: unknown) {
    return `${connection.isActive} ${JSON.stringify(body)}`;
  }
  @WebwireRequest('body') body(@MessageBody() body: unknown) {
    return `${Buffer.isBuffer(body) ? 'Buffer' : typeof body} ${body as string}`;
  }
  @WebwireRequest('property', { codec: jsonCodec }) property(
    @MessageBody('a') a: unknown,
    @MessageBody('b') b: unknown,
  ) {
    return [a, b ?? 'none'];
  }
  @WebwireRequest('json', { codec: jsonCodec }) json(@MessageBody() body: unknown) {
    return { got: body ?? 'nothing' };
  }
  @WebwireRequest('json text', { codec: jsonCodec }) jsonText() {
    return 'quoted';
  }
  @WebwireRequest('parameters') parameters(
    @Name() name: string,
    @WebwireMessage() message: Message,
    @MessageBody() body: string,
    @LaterName() later: string,
    @HostType() type: string,
    @ConnectedSocket() connection: WebwireConnection,
  ) {
    return [name, message.name, message.identifier?.length, body, later, type, connection.request.url].join(' ');
  }
  @WebwireRequest('failing parameters') failingParameters(@Throws() _a: string, @Rejects() _b: string) {
    return 'not called';
  }
  @WebwireRequest() nameless(@WebwireMessage() message: Message) {
    return message.payload;
  }
  @WebwireRequest({ fallback: true }) fallback(@WebwireMessage() { name }: Message) {
    return `fallback ${name}`;
  }
  @SubscribeMessage('plain') plain(@MessageBody() body: string, @ConnectedSocket() connection: WebwireConnection) {
    connection.signal('plain was called', body);
    return `plain ${body}`;
  }
  @WebwireRequest('one') @WebwireRequest('two') twoNames(@Name() name: string) {
    return `both: ${name}`;
  }

  @WebwireRequest('throw RequestError') requestError() {
    throw new RequestError('MY_CODE', 'my message ї');
  }
  @WebwireRequest('reject RequestError') async rejectedRequestError() {
    return Promise.reject(new RequestError('MY_CODE'));
  }
  @WebwireRequest('throw RequestError of another copy') foreignRequestError() {
    throw ofAnotherCopy(new RequestError('MY_CODE', 'my message'));
  }
  @WebwireRequest('throw RequestError of another library') namesake() {
    throw Object.assign(new Error('secret detail'), { name: 'RequestError', code: 'EREQUEST' });
  }
  @WebwireRequest('payload of another copy') foreignPayload() {
    return ofAnotherCopy(Payload.utf16('text'));
  }
  @WebwireRequest('members of a payload') membersOfPayload() {
    return { encoding: 'utf8', bytes: new Uint8Array([97]) };
  }
  @WebwireRequest('throw WsException') wsException() {
    throw new WsException('went wrong');
  }
  @WebwireRequest('throw WsException with code') wsExceptionWithCode() {
    throw new WsException({ code: 'NO_ROOM', message: 'full' });
  }
  @WebwireRequest('throw HttpException') httpException() {
    throw new BadRequestException(['a is wrong', 'b is missing']);
  }
  @WebwireRequest('throw teapot') teapot() {
    throw new HttpException('short and stout', 418);
  }
  @WebwireRequest('throw 499') unknownStatus() {
    throw new HttpException('odd', 499);
  }
  @WebwireRequest('throw HttpException of an error') ofAnError() {
    throw new ForbiddenException(new Error('secret'));
  }
  @WebwireRequest('throw Error') error() {
    throw new Error('secret detail');
  }
  @WebwireRequest('throw string') thrownString() {
    // eslint-disable-next-line no-throw-literal, typescript/only-throw-error
    throw 'secret detail';
  }
  @WebwireRequest('reject') async reject() {
    return Promise.reject(new Error('secret detail'));
  }
  @WebwireRequest('bad code') badCode() {
    throw new RequestError('ü');
  }
  @WebwireRequest('empty code') emptyCode() {
    throw new RequestError('');
  }
  @WebwireRequest('odd utf16') oddUtf16() {
    return new Payload('utf16', new Uint8Array(3));
  }
  @WebwireRequest('function') function() {
    return () => 1;
  }
  @WebwireRequest('cycle') cycle() {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    return cycle;
  }
  @WebwireRequest('too large') tooLarge() {
    return 'x'.repeat(8192);
  }
  @WebwireRequest('just fits') justFits() {
    return 'x'.repeat(8192 - 9);
  }

  @WebwireSignal('string') stringSignal(@ConnectedSocket() connection: WebwireConnection, @MessageBody() body: string) {
    connection.signal('got', `string ${body}`);
    return 'never sent';
  }
  @WebwireSignal() namelessSignal(@ConnectedSocket() connection: WebwireConnection, @MessageBody() body: Buffer) {
    connection.signal('got', body);
  }
  @WebwireSignal({ fallback: true }) anySignal(
    @WebwireMessage() message: Message,
    @ConnectedSocket() connection: WebwireConnection,
  ) {
    connection.signal('got', `any ${message.name} ${message.identifier === undefined}`);
  }
}

@WebwireGateway()
class DirectGateway extends Handlers {}

@Injectable()
class Pass implements CanActivate {
  canActivate() {
    return true;
  }
}

@UseGuards(Pass)
@WebwireGateway()
class GuardedGateway extends Handlers {}

@Injectable()
class PassOn implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}

@UseInterceptors(PassOn)
@WebwireGateway()
class InterceptedGateway extends Handlers {}

@Injectable()
class PassLater implements CanActivate {
  async canActivate() {
    return Promise.resolve(true);
  }
}
@Injectable()
class PassInStream implements CanActivate {
  canActivate() {
    return of(false, true);
  }
}

@UseGuards(PassLater, Pass, PassInStream)
@WebwireGateway()
class LateGuardedGateway extends Handlers {}

@Injectable()
class PassOnLater implements NestInterceptor {
  async intercept(_context: ExecutionContext, next: CallHandler) {
    return Promise.resolve(next.handle());
  }
}

@UseInterceptors(PassOnLater, PassOn, PassOnLater)
@WebwireGateway()
class LateInterceptedGateway extends Handlers {}

@Injectable()
class SameLater implements PipeTransform {
  async transform(value: unknown) {
    return Promise.resolve(value);
  }
}
@Injectable()
class Same implements PipeTransform {
  transform(value: unknown) {
    return value;
  }
}

@UsePipes(Same)
@WebwireGateway()
class PipedGateway extends Handlers {}

@UsePipes(Same, SameLater, Same)
@WebwireGateway()
class LatePipedGateway extends Handlers {}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {}

@WebwireGateway()
class ScopedGateway extends Handlers {
  constructor(readonly dependency: PerRequest) {
    super();
  }
}

const BINARY = Payload.binary(new Uint8Array([0x00, 0xff]));

/** Request name, body, and the answer, which is the same for every way in which a handler can run. */
const CASES: [name: string, body: string | Payload, answer: string][] = [
  ['string', '', 'utf8 text'],
  ['bytes', '', 'binary 0102ff'],
  ['buffer', '', 'binary 6162'],
  ['array buffer', '', 'binary 0102'],
  ['view', '', 'binary 0203'],
  ['connection', '', 'utf8 ["id"]'],
  ['undefined', '', 'binary'],
  ['null', '', 'binary'],
  ['utf16', '', 'utf16 ї😀'],
  ['empty utf8', '', 'utf8'],
  ['object', '', 'utf8 {"a":[1,null]}'],
  ['number', '', 'utf8 0'],
  ['boolean', '', 'utf8 false'],
  ['promise', '', 'utf8 later'],
  ['thenable', '', 'utf8 thenable'],
  ['observable', '', 'utf8 last'],
  ['later observable', '', 'utf8 timer'],
  ['promised observable', '', 'utf8 promised'],
  ['empty observable', '', 'binary'],
  ['failing observable', '', 'error STREAM: broke'],
  ['this', '', 'utf8 Hello'],
  ['undecorated', 'x', 'utf8 true "x"'],
  ['undecorated', '', 'utf8 true ""'],
  ['body', 'ї', 'utf8 string ї'],
  ['body', Payload.utf16('ї😀'), 'utf8 string ї😀'],
  ['body', BINARY, 'utf8 Buffer \u0000\ufffd'],
  ['property', '{"a":1}', 'utf8 [1,"none"]'],
  ['property', 'null', 'utf8 [null,"none"]'],
  ['json', '[1,{"a":null}]', 'utf8 {"got":[1,{"a":null}]}'],
  ['json', Payload.utf16('"ї"'), 'utf8 {"got":"ї"}'],
  ['json', '', 'utf8 {"got":"nothing"}'],
  ['json', '{"secret', 'error BAD_REQUEST: the body could not be decoded'],
  ['json text', '1', 'utf8 "quoted"'],
  ['parameters', 'b', 'utf8 parameters parameters 8 b parameters ws /'],
  ['failing parameters', '', 'error SECOND: parameter'],
  ['', 'nameless', 'utf8 nameless'],
  ['', BINARY, 'binary 00ff'],
  ['unknown', 'x', 'utf8 fallback unknown'],
  ['__proto__', 'x', 'utf8 fallback __proto__'],
  ['one', '', 'utf8 both: one'],
  ['two', '', 'utf8 both: two'],
  ['throw RequestError', '', 'error MY_CODE: my message ї'],
  ['reject RequestError', '', 'error MY_CODE: '],
  ['throw RequestError of another copy', '', 'error MY_CODE: my message'],
  ['throw RequestError of another library', '', 'internal error'],
  ['payload of another copy', '', 'utf16 text'],
  ['members of a payload', '', 'internal error'],
  ['throw WsException', '', 'error ERROR: went wrong'],
  ['throw WsException with code', '', 'error NO_ROOM: full'],
  ['throw HttpException', '', 'error BAD_REQUEST: a is wrong; b is missing'],
  ['throw HttpException of an error', '', 'error FORBIDDEN: forbidden'],
  ['throw teapot', '', 'error I_AM_A_TEAPOT: short and stout'],
  ['throw 499', '', 'error HTTP_499: odd'],
  ['throw Error', '', 'internal error'],
  ['throw string', '', 'internal error'],
  ['reject', '', 'internal error'],
  ['bad code', '', 'internal error'],
  ['empty code', '', 'internal error'],
  ['odd utf16', '', 'internal error'],
  ['function', '', 'internal error'],
  ['cycle', '', 'internal error'],
  ['too large', '', 'error REPLY_TOO_LARGE: the reply has 8201 bytes, but messageBufferSize is 8192'],
  ['just fits', '', `utf8 ${'x'.repeat(8192 - 9)}`],
];

const WAYS: [way: string, gateway: Type][] = [
  ['directly', DirectGateway],
  ['behind a guard', GuardedGateway],
  ['behind guards that take their time', LateGuardedGateway],
  ['within an interceptor', InterceptedGateway],
  ['within interceptors that take their time', LateInterceptedGateway],
  ['behind a pipe', PipedGateway],
  ['behind pipes that take their time', LatePipedGateway],
  ['on an instance per message', ScopedGateway],
];

describe.each(WAYS)('a handler that runs %s', (_way, gateway) => {
  let app: TestApp;
  let client: WireClient;

  beforeAll(async () => {
    app = await TestApp.start({ providers: [gateway, PerRequest] });
    client = await app.connect();
  });
  afterAll(() => app.close());

  it.each(CASES)('answers request "%s" with body %j', async (name, body, answer) => {
    expect(await client.ask(name, body)).toBe(answer);
  });

  it('gets plain messages as requests and as signals', async () => {
    const heard = async () => client.ask('string').then(() => undefined);
    expect(await client.ask('plain', 'x')).toBe('signal plain was called utf8 x');
    expect(await client.next()).toMatchObject({ payload: new TextEncoder().encode('plain x') });
    client.signal('plain', 'y');
    expect(await client.next()).toMatchObject({ name: 'plain was called' });
    await heard();
  });

  it.each([
    ['string', 'x', 'signal got utf8 string x'],
    ['', BINARY, 'signal got binary 00ff'],
    ['unknown', 'x', 'signal got utf8 any unknown true'],
  ])('gets signal "%s", which is not answered', async (name, body, answer) => {
    client.signal(name, body);
    expect(await client.ask('string')).toBe(answer);
    expect(await client.nextBytes()).toHaveLength(9 + 'text'.length);
  });

  it('logs an unexpected error and does not send it', async () => {
    await client.ask('throw Error');
    expect(
      app.logger.at('error').some((line) => line.includes('"throw Error"') && line.includes('secret detail')),
    ).toBe(true);
    expect(app.logger.at('error').some((line) => line.includes('RequestError: my message'))).toBe(false);
  });
});

it('answers requests without a handler', async () => {
  @WebwireGateway()
  class Gateway {
    @WebwireRequest('x') x() {
      return 'x';
    }
  }
  const app = await TestApp.start({ providers: [Gateway] });
  const client = await app.connect();
  client.signal('nobody', 'x');
  expect(await client.ask('nobody', 'x')).toBe('error NOT_FOUND: nobody handles this request');
  expect(await client.ask('', 'x')).toBe('error NOT_FOUND: nobody handles this request');
  expect(app.logger.at('debug')).toContainEqual(expect.stringContaining('"nobody"'));
  await app.close();
});

/** A moment in the processing of a message at which the client disconnects, and the events so far. */
class Stage {
  readonly reached = deferred();
  readonly left = deferred();
  readonly gate = deferred();
  readonly done = deferred();
  readonly events: string[] = [];

  constructor(readonly moment: string) {}

  async pass(moment: string) {
    if (moment !== this.moment) return;
    this.reached.resolve();
    await this.gate.promise;
  }
}

let stage: Stage;

class StagedGuard implements CanActivate {
  async canActivate() {
    await stage.pass('guard');
    return true;
  }
}
class StagedPipe implements PipeTransform {
  async transform(value: unknown) {
    await stage.pass('pipe');
    return value;
  }
}
class StagedInterceptor implements NestInterceptor {
  async intercept(_context: ExecutionContext, next: CallHandler) {
    await stage.pass('interceptor');
    return next.handle().pipe(tap({ complete: () => stage.events.push('intercepted') }));
  }
}

class StagedHandlers {
  handleDisconnect() {
    stage.left.resolve();
  }
  @WebwireRequest('work') @WebwireSignal('work') async work(@MessageBody() _body: string) {
    stage.events.push('started');
    await stage.pass('handler');
    stage.events.push('ended');
    stage.done.resolve();
    return 'done';
  }
  @WebwireRequest('stream') @WebwireSignal('stream') stream(@MessageBody() _body: string) {
    stage.events.push('started');
    stage.done.resolve();
    return new Observable((subscriber) => {
      stage.events.push('subscribed');
      subscriber.next('a value');
      void stage.pass('observable');
      return () => void stage.events.push('unsubscribed');
    });
  }
}

@UseGuards(StagedGuard)
@WebwireGateway()
class StagedGuardGateway extends StagedHandlers {}

@UsePipes(StagedPipe)
@WebwireGateway()
class StagedPipeGateway extends StagedHandlers {}

@UseInterceptors(StagedInterceptor)
@WebwireGateway()
class StagedInterceptorGateway extends StagedHandlers {}

@UseGuards(StagedGuard)
@UsePipes(StagedPipe)
@UseInterceptors(PassOn, StagedInterceptor, PassOnLater)
@WebwireGateway()
class StagedGateway extends StagedHandlers {}

@UseGuards(StagedGuard)
@UsePipes(StagedPipe)
@UseInterceptors(PassOn, StagedInterceptor, PassOnLater)
@WebwireGateway()
class StagedScopedGateway extends StagedHandlers {
  constructor(readonly dependency: PerRequest) {
    super();
  }
}

@WebwireGateway()
class StagedDirectGateway extends StagedHandlers {}

const STAGED_WAYS: [way: string, gateway: Type, moments: string[]][] = [
  ['runs directly', StagedDirectGateway, ['handler']],
  ['has a guard', StagedGuardGateway, ['guard', 'handler']],
  ['has a pipe', StagedPipeGateway, ['pipe', 'handler']],
  ['has an interceptor', StagedInterceptorGateway, ['interceptor', 'handler']],
  ['has all of them', StagedGateway, ['guard', 'interceptor', 'pipe', 'handler']],
  ['is made for each message', StagedScopedGateway, ['guard', 'interceptor', 'pipe', 'handler']],
];

describe.each(STAGED_WAYS)('when the client leaves, a handler that %s', (_way, gateway, moments) => {
  let app: TestApp;

  /** Sends a message, and disconnects at the moment. */
  async function leaveAt(moment: string, name: string, kind: string): Promise<void> {
    stage = new Stage(moment);
    const client = await app.connect();
    if (kind === 'request') client.send(name, 'x');
    else client.signal(name, 'x');
    await stage.reached.promise;
    client.socket.terminate();
    await stage.left.promise;
    stage.gate.resolve();
  }

  beforeAll(async () => {
    app = await TestApp.start({ providers: [gateway, PerRequest] });
  });
  // Closing waits until all handlers have ended.
  afterAll(() => app.close());

  const rows = moments.flatMap((moment) => ['request', 'signal'].map((kind): [string, string] => [moment, kind]));

  it.each(rows)('runs to its end: during its %s, for a %s', async (moment, kind) => {
    await leaveAt(moment, 'work', kind);
    await stage.done.promise;
    expect(stage.events.slice(0, 2)).toEqual(['started', 'ended']);
  });

  it.each(rows.filter(([moment]) => moment !== 'handler'))(
    'returns an Observable that is not subscribed to: during its %s, for a %s',
    async (moment, kind) => {
      await leaveAt(moment, 'stream', kind);
      await stage.done.promise;
      expect(stage.events.filter((event) => event !== 'intercepted')).toEqual(['started']);
    },
  );

  it.each(['request', 'signal'])('has its Observable unsubscribed from, for a %s', async (kind) => {
    await leaveAt('observable', 'stream', kind);
    expect(stage.events.filter((event) => event !== 'intercepted')).toEqual(['started', 'subscribed', 'unsubscribed']);
  });
});

describe('interceptors, when the client leaves,', () => {
  it('still finish their work', async () => {
    const committed = deferred();
    class Transaction implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler) {
        return next
          .handle()
          .pipe(mergeMap(async (value: unknown) => Promise.resolve(value).finally(() => committed.resolve())));
      }
    }
    @UseInterceptors(Transaction)
    @WebwireGateway()
    class Gateway extends StagedHandlers {}
    const app = await TestApp.start({ providers: [Gateway] });
    stage = new Stage('handler');
    const client = await app.connect();
    client.send('work', 'x');
    await stage.reached.promise;
    client.socket.terminate();
    await stage.left.promise;
    stage.gate.resolve();
    await committed.promise;
    await app.close();
  });

  it('that repeat themselves are left', async () => {
    const repeated = deferred();
    class Endless implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler) {
        return interval(1).pipe(
          mergeMap(() => next.handle()),
          tap(() => repeated.resolve()),
          finalize(() => stage.done.resolve()),
        );
      }
    }
    @UseInterceptors(Endless)
    @WebwireGateway()
    class Gateway {
      handleDisconnect() {
        stage.left.resolve();
      }
      @WebwireRequest('x') x() {
        return 'x';
      }
    }
    const app = await TestApp.start({ providers: [Gateway] });
    stage = new Stage('none');
    const client = await app.connect();
    client.send('x');
    await repeated.promise;
    client.socket.terminate();
    await stage.done.promise;
    await app.close();
  });
});
