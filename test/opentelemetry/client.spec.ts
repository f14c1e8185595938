import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { MessageBody } from '@nestjs/websockets';
import {
  RequestError,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type Message,
} from 'nestjs-webwire';
import { WebwireClient, type ClientOptions } from 'nestjs-webwire/client';
import { activeTraceContext, WebwireInstrumentation } from 'nestjs-webwire/opentelemetry';
import { NEVER } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { deferred } from '../support/deferred.js';
import { Gate } from '../support/gate.js';
import { TestApp } from '../support/test-app.js';
import { isError, TestTelemetry } from './telemetry.js';

const DURATION = 'rpc.client.call.duration';

@WebwireGateway()
class Gateway {
  readonly work = deferred();
  @WebwireRequest('direct') direct(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('refuse') refuse(@MessageBody() code: string) {
    throw new RequestError(code, 'no');
  }
  @WebwireRequest('fail') fail() {
    throw new Error('broken');
  }
  @WebwireRequest('hang') async hang() {
    await this.work.promise;
  }
  @WebwireRequest('traced') traced(@WebwireMessage() { trace }: Message) {
    return trace?.traceparent ?? 'none';
  }
  @WebwireSignal('note') note() {}
  @WebwireStream('two') async *two() {
    yield 'one';
    yield 'two';
  }
  @WebwireStream('endless') endless() {
    return NEVER;
  }
  @WebwireStream('broken') async *broken() {
    yield 'one';
    throw new RequestError('NOT_NOW', 'no');
  }
}

async function start(options: ClientOptions = { trace: activeTraceContext }, telemetry?: TestTelemetry) {
  const instrumentation = new WebwireInstrumentation();
  telemetry ??= new TestTelemetry(instrumentation);
  const app = await TestApp.start({ providers: [Gateway] }, { sessions: false });
  const client = new WebwireClient(`${app.url()}?token=secret`, { webSocket: WebSocket, ...options });
  onTestFinished(async () => {
    app.get(Gateway).work.resolve();
    await client.close();
    await app.close();
    await telemetry.close();
  });
  await client.connect();
  return { instrumentation, telemetry, app, client };
}

/** Reads a stream to its end, or leaves it after this number of items. */
async function readAll(stream: AsyncIterable<unknown>, most = Infinity): Promise<number> {
  let count = 0;
  for await (const item of stream) if (item && ++count >= most) break;
  return count;
}

describe('the span of a call', () => {
  it('has the name and the attributes of the conventions, and no secret of the URL', async () => {
    const { telemetry, client, app } = await start();
    await client.request('direct', 'x');
    const span = await telemetry.span('direct', SpanKind.CLIENT);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toEqual({
      'rpc.system.name': 'webwire',
      'rpc.method': 'direct',
      'webwire.message.kind': 'request',
      'server.address': '127.0.0.1',
      'server.port': app.port,
    });
  });

  it.each([
    ['ws://[::1]/', '::1', 80],
    ['wss://Example.com/chat', 'example.com', 443],
  ])('has the address and the port of %s', async (url, address, port) => {
    const { telemetry } = await start();
    const client = new WebwireClient(url, { webSocket: WebSocket, reconnect: false });
    await expect(client.signal('note', 'x')).rejects.toThrow('not connected');
    const span = await telemetry.span('note', SpanKind.CLIENT);
    expect(span.attributes).toMatchObject({ 'server.address': address, 'server.port': port });
    expect(span.attributes['error.type']).toBe('DISCONNECTED');
    expect(isError(span)).toBe(true);
    await client.close();
  });

  it('has the server of the connection that the call has waited for, if a function has the URL', async () => {
    const { telemetry, app } = await start();
    const other = await TestApp.start({ providers: [Gateway] }, { sessions: false });
    const urls = [app.url(), other.url()];
    const client = new WebwireClient(() => urls.shift()!, { webSocket: WebSocket });
    onTestFinished(async () => {
      await client.close();
      await other.close();
    });
    await client.request('direct', 'x');
    await client.disconnect();
    const connected = client.connect();
    await client.request('direct', 'x');
    await connected;
    await expect.poll(() => telemetry.ended.filter(({ kind }) => kind === SpanKind.CLIENT)).toHaveLength(2);
    const spans = telemetry.ended.filter(({ kind }) => kind === SpanKind.CLIENT);
    expect(spans.map(({ attributes }) => attributes['server.port'])).toEqual([app.port, other.port]);
    const points = await telemetry.points(DURATION);
    expect(points.map(({ attributes }) => attributes['server.port'])).toEqual([app.port, other.port]);
  });

  it.each([
    ['refuse', 'NOT_NOW', true],
    ['fail', 'INTERNAL_SERVER_ERROR', true],
    ['hang', 'TIMEOUT', false],
  ])('has the code of the error: %s', async (name, code, isReplied) => {
    const { telemetry, client } = await start();
    await expect(client.request(name, 'NOT_NOW', { timeout: name === 'hang' ? 20 : 60_000 })).rejects.toMatchObject({
      code,
    });
    const span = await telemetry.span(name, SpanKind.CLIENT);
    expect(isError(span)).toBe(true);
    expect(span.attributes['error.type']).toBe(code);
    expect(span.attributes['rpc.response.status_code']).toBe(isReplied ? code : undefined);
  });

  it('ends when the call is aborted', async () => {
    const { telemetry, client } = await start();
    const abort = new AbortController();
    const aborted = client.request('hang', '', { signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELED' });
    expect((await telemetry.span('hang', SpanKind.CLIENT)).attributes['error.type']).toBe('CANCELED');
  });

  it('ends when the connection is lost, of a request and a stream', async () => {
    const { telemetry, app } = await start();
    const gate = await Gate.start(app.port);
    onTestFinished(() => gate.close());
    const client = new WebwireClient(app.url('/', gate.port), { webSocket: WebSocket, reconnect: false });
    await client.connect();
    const request = client.request('hang', 'x');
    const stream = client.stream('endless').next();
    await client.request('direct', 'x');
    gate.shut();
    for (const call of [request, stream]) await expect(call).rejects.toMatchObject({ code: 'DISCONNECTED' });
    for (const name of ['hang', 'endless']) {
      const { attributes } = await telemetry.span(name, SpanKind.CLIENT);
      expect(attributes).toMatchObject({ 'error.type': 'DISCONNECTED' });
      expect(attributes).not.toHaveProperty('rpc.response.status_code');
    }
    await expect.poll(() => telemetry.open).toBe(0);
    await client.close();
  });

  it('ends also for a call that throws at once', async () => {
    const { telemetry, client } = await start();
    expect(() => client.stream('wwr:x')).toThrow('reserved');
    expect(isError(await telemetry.span('wwr:x'))).toBe(true);
    await expect(client.request('\n')).rejects.toMatchObject({ code: 'INVALID_CHARACTER' });
    expect(telemetry.open).toBe(0);
  });

  it('lasts as long as a stream', async () => {
    const { telemetry, client } = await start();
    const items: string[] = [];
    for await (const item of client.stream('two')) {
      items.push(item.text());
      expect(telemetry.ended.filter(({ kind }) => kind === SpanKind.CLIENT)).toEqual([]);
    }
    expect(items).toEqual(['one', 'two']);
    const span = await telemetry.span('two', SpanKind.CLIENT);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toMatchObject({ 'webwire.message.kind': 'stream' });
  });

  it('is not in error for a stream that is left', async () => {
    const { telemetry, client } = await start();
    expect(await readAll(client.stream('two'), 1)).toBe(1);
    const span = await telemetry.span('two', SpanKind.CLIENT);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toMatchObject({ 'rpc.response.status_code': 'CANCELED' });
  });

  it('has the error of a stream', async () => {
    const { telemetry, client } = await start();
    await expect(readAll(client.stream('broken'))).rejects.toThrow('no');
    expect((await telemetry.span('broken', SpanKind.CLIENT)).attributes['error.type']).toBe('NOT_NOW');
  });

  it('is that of a signal until it was passed on', async () => {
    const { telemetry, client } = await start();
    await client.signal('note', 'x');
    const span = await telemetry.span('note', SpanKind.CLIENT);
    expect(span.attributes).toMatchObject({ 'webwire.message.kind': 'signal' });
  });
});

describe('the trace', () => {
  it.each<[string, (client: WebwireClient) => Promise<unknown>]>([
    ['traced', (client) => client.request('traced', 'x')],
    ['note', (client) => client.signal('note', 'x')],
    ['two', (client) => readAll(client.stream('two'))],
  ])('goes from the active span over the client to the server: %s', async (name, call) => {
    const { telemetry, client } = await start();
    // The first messages of a connection have no trace context.
    await client.request('direct', 'x');
    const outer = telemetry.tracer.startActiveSpan('outer', (span) => {
      void call(client);
      span.end();
      return span.spanContext();
    });
    const own = await telemetry.span(name, SpanKind.CLIENT);
    const server = await telemetry.span(name, SpanKind.SERVER);
    expect(own.parentSpanContext?.spanId).toBe(outer.spanId);
    expect(server.parentSpanContext?.spanId).toBe(own.spanContext().spanId);
    expect(server.spanContext().traceId).toBe(outer.traceId);
  });

  it('is that of the active span where clients are not instrumented', async () => {
    const { instrumentation, telemetry, client } = await start();
    await client.request('direct', 'x');
    instrumentation.disable();
    const [reply, outer] = await telemetry.tracer.startActiveSpan('outer', async (span) => {
      const { traceId, spanId } = span.spanContext();
      return [await client.request('traced', 'x'), `00-${traceId}-${spanId}-01`] as const;
    });
    expect(reply.text()).toBe(outer);
    expect((await client.request('traced', 'x')).text()).toBe('none');
  });

  it('is not sent if it is not sampled', async () => {
    const instrumentation = new WebwireInstrumentation();
    const { client } = await start(undefined, new TestTelemetry(instrumentation, new AlwaysOffSampler()));
    await client.request('direct', 'x');
    expect((await client.request('traced', 'x')).text()).toBe('none');
  });
});

describe('the duration of calls', () => {
  it('is measured in seconds, in the advised buckets', async () => {
    const { telemetry, client, app } = await start();
    await client.request('direct', 'x');
    await client.request('direct', 'x');
    const attributes = {
      'rpc.system.name': 'webwire',
      'rpc.method': 'direct',
      'webwire.message.kind': 'request',
      'server.address': '127.0.0.1',
      'server.port': app.port,
    };
    expect(await telemetry.points(DURATION)).toEqual([{ name: DURATION, unit: 's', value: 2, attributes }]);
    expect(await telemetry.boundaries(DURATION)).toHaveLength(14);
  });

  it('has few values of error.type, as servers choose the codes', async () => {
    const { telemetry, client } = await start();
    for (let n = 0; n < 300; n++) await client.request('refuse', `CODE_${n}`).catch(() => undefined);
    expect((await telemetry.points(DURATION)).length).toBeLessThanOrEqual(129);
  });
});

describe('disabling', () => {
  it('restores the methods of clients', () => {
    const methods = () =>
      ['request', 'signal', 'stream'].map((name) => Reflect.get(WebwireClient.prototype, name) as unknown);
    const before = methods();
    const instrumentation = new WebwireInstrumentation();
    expect(methods()[0]).not.toBe(before[0]);
    instrumentation.disable();
    expect(methods()).toEqual(before);
  });

  it('in another order than enabling leaves methods that work', async () => {
    const one = new WebwireInstrumentation();
    const { telemetry, client } = await start();
    one.disable();
    expect((await client.request('direct', 'x')).text()).toBe('x');
    expect(telemetry.ended.filter(({ kind }) => kind === SpanKind.CLIENT)).toHaveLength(1);
  });

  it('ends the spans of calls in progress when they are over', async () => {
    const { instrumentation, telemetry, client, app } = await start();
    const call = client.request('hang', 'x');
    await client.request('direct', 'x');
    instrumentation.disable();
    app.get(Gateway).work.resolve();
    await call;
    await telemetry.span('hang', SpanKind.CLIENT);
    expect(telemetry.open).toBe(0);
  });
});
