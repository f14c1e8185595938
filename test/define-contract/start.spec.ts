import {
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { defineContract } from 'nestjs-webwire/contract';
import { describe, expect, it } from 'vitest';
import { failure, startApp } from './contract-app.js';

const first = defineContract({
  requests: { a: {}, b: {} },
  streams: { s: {} },
  signals: { c: {} },
  serverSignals: { d: {} },
});
const second = defineContract({ requests: { e: {} }, signals: { f: {} } });

@WebwireGateway()
class Some {
  @WebwireRequest(first.requests.a) a() {}
  // A handler of the name is no handler of the entry: it does not validate.
  @WebwireRequest('b') b() {}
}

@WebwireGateway()
class Others {
  @WebwireRequest(first.requests.b) b() {}
  @WebwireStream(first.streams.s) async *s(): AsyncGenerator<void> {}
  @WebwireSignal(first.signals.c) c() {}
}

@WebwireGateway()
class A {
  @WebwireRequest(first.requests.a) a() {}
}

@WebwireGateway()
class Second {
  @WebwireRequest(second.requests.e) e() {}
  @WebwireSignal(second.signals.f) f() {}
}

@WebwireGateway()
class Nothing {}

const start = (providers: (new () => object)[], options: WebwireModuleOptions = {}) => startApp(providers, options);

describe('an application', () => {
  it('is warned of the entries of a contract that no handler takes', async () => {
    const { app } = await start([Some]);
    expect(app.logger.at('warn').join()).toContain(
      'No handler takes these entries of a contract, so that clients use them in vain: the request "b", the stream "s", the signal "c"',
    );
  });

  it('is not warned if handlers of several gateways take all, nor for a second contract', async () => {
    const { app } = await start([A, Others, Second], { contract: first });
    expect(app.logger.at('warn')).toEqual([]);
  });

  it('does not start if no handler takes an entry of its contract', async () => {
    expect(await failure(start([Some], { contract: first }))).toBe(
      'Error: no handler takes these entries of the contract in the option contract: the request "b", the stream "s", the signal "c"',
    );
    expect(await failure(start([A, Others], { contract: [first, second] }))).toMatch(
      /the request "e", the signal "f"$/,
    );
    expect(await failure(start([Nothing], { contract: second }))).toMatch(/the request "e", the signal "f"$/);
    expect(await failure(start([], { contract: second }))).toMatch(/the request "e", the signal "f"$/);
  });

  it('takes contracts of defineContract() only', () => {
    const configure = (contract: unknown) => failure(start([A], { contract: contract as typeof first }));
    return expect(Promise.all([configure({}), configure([first, 5])])).resolves.toEqual([
      expect.stringMatching(/WebWire option contract is \{\}, but must be a contract that defineContract\(\)/),
      expect.stringMatching(/WebWire option contract is \[.*, but must be a contract/),
    ]);
  });

  it('can have its contract configured later', async () => {
    expect(WebwireModule.forRootAsync({ useFactory: () => ({ contract: first }) })).toBeDefined();
  });
});

describe('a decorator', () => {
  it.each<[string, () => unknown, string]>([
    [
      '@WebwireRequest() a signal',
      () => WebwireRequest(first.signals.c as never),
      '@WebwireRequest() takes an entry of `requests` of a contract, but "c" is a signal',
    ],
    ['@WebwireRequest() a stream', () => WebwireRequest(first.streams.s as never), 'but "s" is a stream'],
    [
      '@WebwireSignal() a signal of the server',
      () => WebwireSignal(first.serverSignals.d as never),
      '@WebwireSignal() takes an entry of `signals` of a contract, but "d" is a signal of the server',
    ],
    ['@WebwireSignal() a request', () => WebwireSignal(first.requests.a as never), 'but "a" is a request'],
    [
      '@WebwireStream() a request',
      () => WebwireStream(first.requests.a as never),
      '@WebwireStream() takes an entry of `streams` of a contract, but "a" is a request',
    ],
    [
      '@WebwireRequest() options beside an entry',
      () => (WebwireRequest as (...args: unknown[]) => unknown)(first.requests.a, { codec: {} }),
      'the handler of the request "a" has no options',
    ],
    [
      '@WebwireRequest() an entry that is not of defineContract()',
      () => WebwireRequest({ kind: 'request', name: 'a' } as never),
      'WebWire has no option request handler.kind',
    ],
  ])('does not give %s', (_what, decorate, message) => {
    expect(decorate).toThrow(message);
  });
});

describe('two handlers', () => {
  it('of one entry fail at start', async () => {
    @WebwireGateway()
    class Twice {
      @WebwireRequest(second.requests.e) one() {}
      @WebwireRequest('e') two() {}
    }
    expect(await failure(start([Twice]))).toMatch(
      /Twice.one and Twice.two both handle request "e" on one WebWire server/,
    );
  });
});
