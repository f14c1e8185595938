import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { ConnectedSocket, MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  WebwireStream,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { WebwireInstrumentation, type WebwireInstrumentationConfig } from 'nestjs-webwire/opentelemetry';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NEVER } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { refusal } from '../support/refusal.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';
import { isError, TestTelemetry } from './telemetry.js';

const PARENT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const TRACEPARENT = `00-${PARENT.traceId}-${PARENT.spanId}-01`;

const DURATION = 'rpc.server.call.duration';

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly work = deferred();
  readonly started = new Queue<string>();

  @WebwireRequest('work') async doWork() {
    trace.getTracer('application').startSpan('inner', {}, context.active()).end();
    this.tracer?.startSpan('at once').end();
    await nextTurn();
    this.tracer?.startSpan('later').end();
    return 'done';
  }
  tracer: ReturnType<typeof trace.getTracer> | undefined;

  @WebwireRequest('direct') direct(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('refuse') refuse(@MessageBody() code: string) {
    throw new RequestError(code, 'no');
  }
  @WebwireRequest('fail') async fail() {
    await nextTurn();
    throw new TypeError('broken');
  }
  @WebwireRequest('fail oddly') failOddly() {
    // eslint-disable-next-line no-throw-literal
    throw 'odd';
  }
  @WebwireRequest('hang') async hang() {
    this.started.push('hang');
    await this.work.promise;
  }
  @WebwireRequest('session') async session(@ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession();
  }
  @WebwireRequest() nameless(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest({ fallback: true }) fallback() {
    return 'fallback';
  }
  @WebwireSignal('note') note() {}
  @WebwireSignal('fail') failSignal() {
    throw new TypeError('broken');
  }
  @WebwireSignal('refuse') refuseSignal() {
    throw new RequestError('NOT_NOW', 'no');
  }
  @WebwireStream('two') async *two() {
    this.tracer?.startSpan('before item').end();
    yield 'one';
    await nextTurn();
    this.tracer?.startSpan('between items').end();
    yield 'two';
  }
  @WebwireStream('endless') endless() {
    return NEVER;
  }
}

interface Settings extends WebwireInstrumentationConfig {
  options?: WebwireModuleOptions;
}

async function start({ options = {}, ...config }: Settings = {}) {
  const instrumentation = new WebwireInstrumentation(config);
  const telemetry = new TestTelemetry(instrumentation);
  const app = await TestApp.start({ providers: [Gateway] }, { sessions: false, ...options });
  const gateway = app.get(Gateway);
  gateway.tracer = telemetry.tracer;
  onTestFinished(async () => {
    gateway.work.resolve();
    await app.close();
    await telemetry.close();
  });
  const client = await app.connect();
  await client.ask('wwr:extensions', '{"extensions":["stream","cancel","trace"]}');
  return { instrumentation, telemetry, app, client, gateway };
}

function hex(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}

describe('the span of a message', () => {
  it('has the name and the attributes of the conventions', async () => {
    const { telemetry, client, gateway } = await start();
    await client.ask('direct', 'x');
    const span = await telemetry.span('direct');
    const [connection] = gateway.server.connections;
    expect(span.kind).toBe(SpanKind.SERVER);
    expect(span.status).toEqual({ code: SpanStatusCode.UNSET });
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.links).toEqual([]);
    expect(span.instrumentationScope.name).toBe('nestjs-webwire');
    expect(span.attributes).toEqual({
      'rpc.system.name': 'webwire',
      'rpc.method': 'direct',
      'webwire.message.kind': 'request',
      'webwire.connection.id': connection!.id,
      'code.function.name': 'Gateway.direct',
      'client.address': '127.0.0.1',
      'network.peer.address': '127.0.0.1',
    });
  });

  it.each([
    ['request', 'direct'],
    ['signal', 'note'],
    ['stream', 'two'],
  ])('says what kind of message it is: %s', async (kind, name) => {
    const { telemetry, client } = await start();
    if (kind === 'signal') client.signal(name, 'x');
    else client.send(name, 'x');
    expect((await telemetry.span(name)).attributes['webwire.message.kind']).toBe(kind);
  });

  it.each(['no such thing', 'another'])('has no name that a client chose as its method: %s', async (name) => {
    const { telemetry, client } = await start();
    await client.ask(name);
    const span = await telemetry.span('webwire');
    expect(span.attributes).toMatchObject({ 'rpc.method': '_OTHER', 'rpc.method_original': name });
    expect(await telemetry.points(DURATION)).toMatchObject([{ attributes: { 'rpc.method': '_OTHER' } }]);
    expect(JSON.stringify(await telemetry.points(DURATION))).not.toContain(name);
  });

  it('has a name that a fallback is known to take', async () => {
    const { telemetry, client } = await start({ knownMethods: ['a.b'] });
    await client.ask('a.b');
    const span = await telemetry.span('a.b');
    expect(span.attributes).toMatchObject({ 'rpc.method': 'a.b' });
    expect(span.attributes).not.toHaveProperty('rpc.method_original');
  });

  it('has no method for a message without a name', async () => {
    const { telemetry, client } = await start();
    await client.ask('', 'x');
    expect((await telemetry.span('webwire')).attributes).not.toHaveProperty('rpc.method');
  });
});

describe('the span of a message that was not successful', () => {
  it('has the error code of a refusal', async () => {
    const { telemetry, client } = await start();
    await client.ask('refuse', 'NOT_NOW');
    const span = await telemetry.span('refuse');
    expect(isError(span)).toBe(true);
    expect(span.attributes).toMatchObject({ 'error.type': 'NOT_NOW', 'rpc.response.status_code': 'NOT_NOW' });
    expect(span.events).toEqual([]);
  });

  it('has the exception of a failure', async () => {
    const { telemetry, client } = await start();
    await client.ask('fail');
    const span = await telemetry.span('fail');
    expect(isError(span)).toBe(true);
    const code = 'INTERNAL_SERVER_ERROR';
    expect(span.attributes).toMatchObject({ 'error.type': code, 'rpc.response.status_code': code });
    const attributes = { 'exception.type': 'TypeError', 'exception.message': 'broken' };
    expect(span.events).toMatchObject([{ name: 'exception', attributes }]);
    await client.ask('fail oddly');
    expect(isError(await telemetry.span('fail oddly'))).toBe(true);
  });

  it('has no status code for a signal, as signals have no reply', async () => {
    const { telemetry, client } = await start();
    client.signal('fail', 'x');
    client.signal('refuse', 'x');
    client.signal('nobody', 'x');
    const spans = [await telemetry.span('fail'), await telemetry.span('refuse'), await telemetry.span('webwire')];
    expect(spans.map(({ attributes }) => attributes['error.type'])).toEqual(['TypeError', 'NOT_NOW', 'NOT_FOUND']);
    for (const span of spans) {
      expect(isError(span)).toBe(true);
      expect(span.attributes).not.toHaveProperty('rpc.response.status_code');
    }
  });

  it.each(['hang', 'endless'])('is not in error when the client gives it up: %s', async (name) => {
    const { telemetry, client } = await start();
    const id = client.send(name);
    client.signal(`wwr:cancel:${hex(id)}`);
    const span = await telemetry.span(name);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toMatchObject({ 'rpc.response.status_code': 'CANCELED' });
    expect(span.attributes).not.toHaveProperty('error.type');
    expect(telemetry.open).toBe(0);
  });

  it.each(['hang', 'endless'])('ends when the connection is lost: %s', async (name) => {
    const { telemetry, client } = await start();
    client.send(name);
    await client.ask('direct', 'x');
    client.socket.terminate();
    const span = await telemetry.span(name);
    expect(isError(span)).toBe(true);
    expect(span.attributes['error.type']).toBe('DISCONNECTED');
    expect(span.attributes).not.toHaveProperty('rpc.response.status_code');
    expect(telemetry.open).toBe(0);
  });

  it.each(['hang', 'endless'])('ends when the server shuts down: %s', async (name) => {
    const { telemetry, client, gateway } = await start({ options: { shutdownTimeout: 0 } });
    client.send(name);
    await client.ask('direct', 'x');
    await gateway.server.shutdown();
    const span = await telemetry.span(name);
    expect(isError(span)).toBe(true);
    expect(span.attributes['error.type']).toBe('SERVER_SHUTDOWN');
    expect(telemetry.open).toBe(0);
  });
});

describe('the trace', () => {
  it.each([
    ['work', ['at once', 'later']],
    ['two', ['before item', 'between items']],
  ])('goes on in the handler of %s', async (name, inner) => {
    const { telemetry, client } = await start();
    client.send(name);
    const { spanId, traceId } = (await telemetry.span(name)).spanContext();
    for (const child of inner) {
      const span = await telemetry.span(child);
      expect([span.spanContext().traceId, span.parentSpanContext?.spanId]).toEqual([traceId, spanId]);
    }
  });

  it('comes from the span of the client', async () => {
    const { telemetry, client } = await start();
    client.signal('wwr:trace', `${TRACEPARENT}\nvendor=1`);
    client.signal('note', 'x');
    const span = await telemetry.span('note');
    expect(span.spanContext().traceId).toBe(PARENT.traceId);
    expect(span.parentSpanContext).toMatchObject({ spanId: PARENT.spanId, isRemote: true });
    expect(span.spanContext().traceState?.get('vendor')).toBe('1');
    expect(span.links).toEqual([]);
  });

  it('is linked to that of the handshake if the client sends none with its messages', async () => {
    const { telemetry, app } = await start();
    const headers = { traceparent: TRACEPARENT };
    const client = await WireClient.connect(app.url(), { headers });
    onTestFinished(() => client.socket.terminate());
    await client.ask('direct', 'x');
    const span = await telemetry.span('direct');
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.links).toMatchObject([{ context: PARENT }]);
  });

  it.each([
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
    `${TRACEPARENT}-${'x'.repeat(1_000)}`,
    'nonsense',
    '',
  ])('has no link for an invalid header: %s', async (traceparent) => {
    const { telemetry, app } = await start();
    const client = await WireClient.connect(app.url(), { headers: { traceparent } });
    onTestFinished(() => client.socket.terminate());
    await client.ask('direct', 'x');
    expect((await telemetry.span('direct')).links).toEqual([]);
  });

  it('is not that of the message that made room for this one', async () => {
    const { telemetry, client, gateway } = await start({ options: { concurrencyLimit: 1 } });
    client.send('hang');
    await gateway.started.take();
    client.send('direct', 'x');
    await nextTurn();
    gateway.work.resolve();
    expect((await telemetry.span('direct')).parentSpanContext).toBeUndefined();
  });
});

describe('metrics', () => {
  it('have the duration of calls in seconds, in the advised buckets', async () => {
    const { telemetry, client } = await start();
    await client.ask('direct', 'x');
    await client.ask('direct', 'x');
    await client.ask('refuse', 'NOT_NOW');
    const common = { 'rpc.system.name': 'webwire', 'webwire.message.kind': 'request' };
    expect(await telemetry.points(DURATION)).toEqual([
      { name: DURATION, unit: 's', value: 2, attributes: { ...common, 'rpc.method': 'direct' } },
      {
        name: DURATION,
        unit: 's',
        value: 1,
        attributes: {
          ...common,
          'rpc.method': 'refuse',
          'error.type': 'NOT_NOW',
          'rpc.response.status_code': 'NOT_NOW',
        },
      },
    ]);
    expect(await telemetry.boundaries(DURATION)).toEqual([
      0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]);
  });

  it('do not grow with names and error codes that a client chooses', async () => {
    const { telemetry, client } = await start();
    for (let n = 0; n < 300; n++) {
      await client.ask(`name ${n}`);
      await client.ask('refuse', `CODE_${n}`);
    }
    const points = await telemetry.points(DURATION);
    expect(points.length).toBeLessThanOrEqual(130);
    expect(points.reduce((sum, { value }) => sum + value, 0)).toBe(600);
    expect(points.some(({ attributes }) => attributes['error.type'] === '_OTHER')).toBe(true);
  });

  it('have the open connections and sessions', async () => {
    const { telemetry, app, client } = await start({ options: { sessions: {} } });
    const other = await app.connect();
    client.send('session');
    await client.next();
    await client.next();
    const values = async (name: string) => (await telemetry.points(name)).map(({ value, unit }) => [value, unit]);
    expect(await values('webwire.server.active_connections')).toEqual([[2, '{connection}']]);
    expect(await values('webwire.server.active_sessions')).toEqual([[1, '{session}']]);
    await other.close();
    await expect.poll(() => values('webwire.server.active_connections')).toEqual([[1, '{connection}']]);
  });

  it('have the open connections of a server that was made before, after its next message', async () => {
    const app = await TestApp.start({ providers: [Gateway] }, { sessions: false });
    const client = await app.connect();
    const telemetry = new TestTelemetry(new WebwireInstrumentation());
    onTestFinished(async () => {
      await app.close();
      await telemetry.close();
    });
    await client.ask('direct', 'x');
    expect(await telemetry.points('webwire.server.active_connections')).toMatchObject([{ value: 1 }]);
  });

  it('have the open connections also after they were switched off and on', async () => {
    const { instrumentation, telemetry } = await start();
    const other = await TestApp.start({ providers: [Gateway] }, { sessions: false });
    await other.connect();
    instrumentation.disable();
    await other.close();
    instrumentation.enable();
    expect(await telemetry.points('webwire.server.active_connections')).toMatchObject([{ value: 1 }]);
  });

  it('have the duration of connections, by the reason of their end', async () => {
    const { telemetry, client } = await start();
    await client.close();
    const points = () => telemetry.points('webwire.server.connection.duration');
    await expect
      .poll(points)
      .toMatchObject([{ unit: 's', value: 1, attributes: { 'webwire.disconnect.reason': 'client-close' } }]);
  });

  it('have the messages beyond the rate limit', async () => {
    const { telemetry, client } = await start({ options: { rateLimit: { limit: 2, window: 60_000, burst: 2 } } });
    await client.ask('direct', 'x');
    for (let n = 0; n < 2; n++) await client.ask('direct', 'x');
    expect(await telemetry.points('webwire.server.limited_messages')).toMatchObject([
      { value: expect.any(Number) as number, attributes: { 'webwire.message.kind': 'request' } },
    ]);
  });

  it('have the clients that broke the protocol, read too slowly or were refused', async () => {
    const { telemetry, app, client, gateway } = await start({
      options: { maxBufferedAmount: 0, origins: ['http://a.example'] },
    });
    expect(await refusal(app.url(), { origin: 'http://b.example' })).toContain('403');
    const slow = await app.connect();
    const [, connection] = gateway.server.connections;
    slow.socket.pause();
    while (connection!.signal('x', Buffer.alloc(8_000))) await nextTurn();
    slow.socket.terminate();
    client.sendBytes('ff');
    await client.closed;
    expect(await telemetry.points('webwire.server.violations')).toMatchObject([
      { value: 1, attributes: { 'error.type': 'UNKNOWN_TYPE' } },
    ]);
    expect(await telemetry.points('webwire.server.dropped_connections')).toMatchObject([{ value: 1, attributes: {} }]);
    expect(await telemetry.points('webwire.server.refused_connections')).toMatchObject([
      { value: 1, attributes: { 'http.response.status_code': 403 } },
    ]);
  });
});

describe('the instrumentation', () => {
  it('makes nothing while it is disabled, and can be enabled again', async () => {
    const { instrumentation, telemetry, client } = await start();
    instrumentation.disable();
    await client.ask('direct', 'x');
    expect([telemetry.ended.length, telemetry.open]).toEqual([0, 0]);
    instrumentation.enable();
    instrumentation.enable();
    await client.ask('work');
    await telemetry.span('work');
    const names = telemetry.ended.map(({ name }) => name).filter((name) => name === 'work' || name === 'direct');
    expect(names).toEqual(['work']);
  });

  it('ends the spans that are open when it is disabled', async () => {
    const { instrumentation, telemetry, client, gateway } = await start();
    client.send('hang');
    await gateway.started.take();
    expect(telemetry.open).toBe(1);
    instrumentation.disable();
    expect(telemetry.open).toBe(0);
    instrumentation.enable();
    gateway.work.resolve();
    await client.next();
    expect(telemetry.ended.map(({ name }) => name)).toEqual(['hang']);
  });

  it('does not begin by itself with enabled: false', () => {
    const instrumentation = new WebwireInstrumentation({ enabled: false });
    expect(instrumentation.getConfig().enabled).toBe(false);
    instrumentation.setConfig({ knownMethods: ['a'] });
    expect(instrumentation.getConfig()).toEqual({ enabled: true, knownMethods: ['a'] });
  });

  it('handles messages without a trace that is recorded', async () => {
    const instrumentation = new WebwireInstrumentation();
    const telemetry = new TestTelemetry(instrumentation, new AlwaysOffSampler());
    const app = await TestApp.start({ providers: [Gateway] }, { sessions: false });
    onTestFinished(async () => {
      await app.close();
      await telemetry.close();
    });
    const client = await app.connect();
    expect(await client.ask('direct', 'x')).toBe('utf8 x');
    expect(telemetry.ended).toEqual([]);
    expect(await telemetry.points(DURATION)).toMatchObject([{ value: 1 }]);
  });

  it('handles messages where no SDK is installed', async () => {
    const instrumentation = new WebwireInstrumentation();
    onTestFinished(() => instrumentation.disable());
    const app = await TestApp.start({ providers: [Gateway] }, { sessions: false });
    onTestFinished(() => app.close());
    const client = await app.connect();
    expect(await client.ask('work')).toBe('utf8 done');
  });
});
