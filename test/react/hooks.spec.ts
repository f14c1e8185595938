import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import { Window, type HTMLElement } from 'happy-dom';
import type { ReactNode } from 'react';
import type { Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  jsonCodec,
  MemoryTransport,
  RequestError,
  WebwireGateway,
  WebwireMessage,
  WebwireServer,
  WebwireService,
  WebwireStream,
  type Message,
} from 'nestjs-webwire';
import type { Payload, ReceivedPayload, WebwireClient, WebwireClientOptions } from 'nestjs-webwire/client';
import { defineContract, type StandardSchema } from 'nestjs-webwire/contract';
import { deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { load, type Loaded, type Version } from './react-version.js';

interface Tick {
  symbol: string;
  price: number;
}

interface Api {
  requests: object;
  streams: {
    ticks: [body: { symbol: string }, item: Tick];
    short: [body: void, item: string];
    broken: [body: void, item: string];
  };
  serverSignals: { news: string };
}

@WebwireGateway()
class TicksGateway {
  @WebSocketServer() server!: WebwireServer;
  readonly opened: string[] = [];
  readonly closed: string[] = [];

  @WebwireStream('ticks') async *ticks(
    @MessageBody('symbol') symbol: string,
    @WebwireMessage() { abortSignal }: Message,
  ): AsyncGenerator<Tick> {
    this.opened.push(symbol);
    try {
      yield { symbol, price: this.opened.length };
      await new Promise((resolve) => abortSignal.addEventListener('abort', resolve, { once: true }));
    } finally {
      this.closed.push(symbol);
    }
  }

  @WebwireStream('short') async *short() {
    yield 'a';
    yield 'b';
  }

  @WebwireStream('broken') async *broken() {
    yield 'a';
    throw new RequestError('BROKEN', 'no more');
  }
}

describe.each<Version>([19, 18])('with React %i', (version) => {
  let app: TestApp;
  let gateway: TicksGateway;
  let transport: MemoryTransport;
  let loaded: Loaded;
  let container: HTMLElement;
  let root: Root | undefined;
  const clients: { close(): Promise<void> }[] = [];
  const problems: unknown[][] = [];

  beforeEach(async () => {
    const window = new Window({ url: 'http://localhost/' });
    for (const name of ['document', 'navigator', 'HTMLElement', 'HTMLIFrameElement', 'Node'] as const)
      vi.stubGlobal(name, window[name]);
    vi.stubGlobal('window', window);
    vi.spyOn(console, 'error').mockImplementation((...args: unknown[]) => void problems.push(args));
    transport = new MemoryTransport();
    app = await TestApp.start({ providers: [TicksGateway] }, { sessions: false, transport, codec: jsonCodec });
    gateway = app.get(TicksGateway);
    loaded = await load(version);
    container = window.document.createElement('div');
    root = undefined;
  });
  afterEach(async () => {
    root?.unmount();
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await app.close();
    vi.doUnmock('react');
    vi.resetModules();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    // React warns on the console.
    if (problems.length > 0) throw new Error(`console.error() was called: ${JSON.stringify(problems.splice(0))}`);
  });

  function create(options: WebwireClientOptions<Api> = {}): WebwireClient<Api> {
    const client = new loaded.client.WebwireClient<Api>(app.url(), {
      webSocket: transport.webSocket,
      sessionStorage: false,
      codec: loaded.client.jsonCodec,
      reconnect: { minDelay: 1, maxDelay: 5 },
      ...options,
    });
    clients.push(client);
    return client;
  }

  function render(component: () => ReactNode, { strict = false } = {}): void {
    const { createElement, StrictMode } = loaded.react;
    root ??= loaded.dom.createRoot(container);
    const element = createElement(component);
    root.render(strict ? createElement(StrictMode, null, element) : element);
  }

  async function shown(text: string): Promise<void> {
    await vi.waitFor(() => expect(container.textContent).toBe(text));
  }

  const connections = () => [...app.get(WebwireService).connections];

  function kick(options?: { code: number; reason: string }): void {
    for (const connection of connections()) void connection.close(options);
  }

  describe('useWebwire()', () => {
    it.each([false, true])('connects and shows the status; in StrictMode: %s', async (strict) => {
      const client = create();
      const statuses: string[] = [];
      render(
        () => {
          const { status } = loaded.hooks.useWebwire(client);
          if (statuses.at(-1) !== status) statuses.push(status);
          return status;
        },
        { strict },
      );
      await shown('connected');
      expect(connections()).toHaveLength(1);
      const reconnected = new Promise((resolve) => client.on('connected', resolve));
      kick();
      await reconnected;
      await shown('connected');
      void client.disconnect();
      await shown('disconnected');
      void client.connect();
      await shown('connected');
      expect(statuses.slice(0, 2)).toEqual(['disconnected', 'connecting']);
      await vi.waitFor(() => expect(connections()).toHaveLength(1));
    });

    it('shows the error', async () => {
      const client = create();
      render(() => {
        const { status, error } = loaded.hooks.useWebwire(client);
        return `${status} ${(error as { reason?: string } | undefined)?.reason ?? ''}`;
      });
      await shown('connected ');
      kick({ code: 4403, reason: 'banned' });
      await shown('disconnected banned');
    });

    it('does not connect with `connect: false`', async () => {
      const client = create();
      render(() => loaded.hooks.useWebwire(client, { connect: false }).status);
      await shown('disconnected');
      void client.connect();
      await shown('connected');
    });

    it('leaves the connection when the component is unmounted, and stops listening', async () => {
      const client = create();
      render(() => loaded.hooks.useWebwire(client).status);
      await shown('connected');
      root!.unmount();
      expect([client.status, connections().length]).toEqual(['connected', 1]);
    });

    it('follows another client', async () => {
      const [one, other] = [create(), create()];
      let choose: (client: WebwireClient<Api>) => void;
      render(() => {
        const [client, setClient] = loaded.react.useState(() => one);
        choose = (next) => setClient(() => next);
        return loaded.hooks.useWebwire(client, { connect: client === one }).status;
      });
      await shown('connected');
      choose!(other);
      await shown('disconnected');
      void other.connect();
      await shown('connected');
    });

    it('is rendered on the server without connecting, and hydrated without a mismatch', async () => {
      const client = create();
      const { createElement } = loaded.react;
      const component = () => createElement('p', null, loaded.hooks.useWebwire(client).status);
      const html = loaded.server.renderToString(createElement(component));
      expect([html, client.status]).toEqual(['<p>disconnected</p>', 'disconnected']);
      await client.connect();
      expect(loaded.server.renderToString(createElement(component))).toBe(html);
      container.innerHTML = html;
      root = loaded.dom.hydrateRoot(container, createElement(component));
      await shown('connected');
    });

    it.each([false, true])(
      'is rendered on the server with the other hooks, and hydrated in Suspense; in StrictMode: %s',
      async (strict) => {
        const client = create();
        const { createElement, StrictMode, Suspense, useState } = loaded.react;
        const Inner = () => {
          const [news, setNews] = useState('none');
          const { status } = loaded.hooks.useWebwire(client);
          const stream = loaded.hooks.useStream(client, 'ticks', { symbol: 'A' });
          loaded.hooks.useSignal(client, 'news', ({ body }) => setNews(body));
          return `${status} ${stream.status} ${stream.item?.body.symbol} ${news}`;
        };
        const inner = createElement(Suspense, { fallback: 'loading' }, createElement(Inner));
        const element = strict ? createElement(StrictMode, null, inner) : inner;
        const html = loaded.server.renderToString(element);
        expect(html).toContain('disconnected opening undefined none');
        expect([client.status, connections(), gateway.opened]).toEqual(['disconnected', [], []]);
        container.innerHTML = html;
        root = loaded.dom.hydrateRoot(container, element, { onRecoverableError: (error) => problems.push([error]) });
        await shown('connected open A none');
        app.get(WebwireService).broadcast('news', 'some');
        await shown('connected open A some');
      },
    );

    it('works in a component that suspends', async () => {
      const client = create();
      const { createElement, Suspense } = loaded.react;
      let resolve: () => void;
      let isReady = false;
      const ready = new Promise<void>((done) => {
        resolve = () => {
          isReady = true;
          done();
        };
      });
      const Inner = () => {
        const { status } = loaded.hooks.useWebwire(client);
        loaded.hooks.useSignal(client, 'news', () => {});
        loaded.hooks.useStream(client, 'ticks', { symbol: 'A' });
        // React catches a promise, as `use()` throws it.
        // oxlint-disable-next-line typescript/only-throw-error
        if (!isReady) throw ready;
        return status;
      };
      render(() => createElement(Suspense, { fallback: 'loading' }, createElement(Inner)));
      await shown('loading');
      expect([client.status, gateway.opened]).toEqual(['disconnected', []]);
      resolve!();
      await shown('connected');
      await vi.waitFor(() => expect(gateway.opened).toEqual(['A']));
    });
  });

  describe('useSignal()', () => {
    it.each([false, true])(
      'calls the handler of the last render, once for each signal; in StrictMode: %s',
      async (strict) => {
        const client = create();
        const calls: string[] = [];
        let rerender: () => void;
        render(
          () => {
            const [count, setCount] = loaded.react.useState(0);
            rerender = () => setCount((previous) => previous + 1);
            loaded.hooks.useSignal(client, 'news', (payload) => {
              const text: string = payload.body;
              calls.push(`${text} ${count}`);
            });
            return `${loaded.hooks.useWebwire(client).status} ${count}`;
          },
          { strict },
        );
        await shown('connected 0');
        app.get(WebwireService).broadcast('news', 'a');
        await vi.waitFor(() => expect(calls).toEqual(['a 0']));
        rerender!();
        await shown('connected 1');
        app.get(WebwireService).broadcast('news', 'b');
        app.get(WebwireService).broadcast('other', 'c');
        await vi.waitFor(() => expect(calls).toEqual(['a 0', 'b 1']));
        root!.unmount();
        const next = new Promise((resolve) => client.onSignal('news', resolve));
        app.get(WebwireService).broadcast('news', 'd');
        await next;
        expect(calls).toHaveLength(2);
      },
    );
  });

  describe('useStream()', () => {
    const show = (state: { status: string; item: ReceivedPayload<Tick> | undefined }) => {
      const tick = state.item?.json<Tick>();
      return `${state.status} ${tick ? `${tick.symbol} ${tick.price}` : ''}`;
    };

    it('shows items, and closes the stream when the component is unmounted', async () => {
      const client = create();
      render(() => show(loaded.hooks.useStream(client, 'ticks', { symbol: 'A' })));
      await shown('open A 1');
      root!.unmount();
      await vi.waitFor(() => expect(gateway.closed).toEqual(['A']));
    });

    it('leaves one stream open in StrictMode', async () => {
      const client = create();
      render(() => show(loaded.hooks.useStream(client, 'ticks', { symbol: 'A' })), { strict: true });
      await vi.waitFor(() => expect(container.textContent).toMatch(/^open A/));
      await vi.waitFor(() => expect(gateway.opened.length - gateway.closed.length).toBe(1));
    });

    it('opens the stream again for another body only', async () => {
      const client = create();
      let choose: (symbol: string) => void;
      const shownStates: string[] = [];
      render(() => {
        const [symbol, setSymbol] = loaded.react.useState('A');
        const [, setCount] = loaded.react.useState(0);
        choose = (next) => {
          setSymbol(next);
          setCount((count) => count + 1);
        };
        const text = show(loaded.hooks.useStream(client, 'ticks', { symbol }));
        shownStates.push(`${symbol}: ${text}`);
        return text;
      });
      await shown('open A 1');
      choose!('A');
      choose!('B');
      await shown('open B 2');
      expect(gateway.opened).toEqual(['A', 'B']);
      await vi.waitFor(() => expect(gateway.closed).toEqual(['A']));
      // An item of the old body is never shown with the new one.
      expect(shownStates.filter((text) => text.startsWith('B: open A'))).toEqual([]);
    });

    it.each<[string, () => unknown]>([
      ['bytes', () => new Uint8Array([1])],
      ['an ArrayBuffer', () => new Uint8Array([1]).buffer],
      ['a payload', () => loaded.client.Payload.json({ symbol: 'A' })],
      ['an object with bytes', () => ({ bytes: new Uint8Array([1]) })],
      ['an object with a bigint', () => ({ price: 1n })],
      ['a Map', () => new Map([['symbol', 'A']])],
      ['a function', () => () => 'A'],
      ['a symbol', () => Symbol('A')],
      [
        'an object with a cycle',
        () => {
          const cycle = { self: {} };
          cycle.self = cycle;
          return cycle;
        },
      ],
    ])('opens the stream once for a body that is another object in each render: %s', async (_kind, makeBody) => {
      const encode = vi.fn<() => Payload>(() => loaded.client.Payload.json({ symbol: 'A' }));
      const client = create({ codec: { ...loaded.client.jsonCodec, encode } });
      let renderAgain: () => void;
      render(() => {
        const [count, setCount] = loaded.react.useState(0);
        renderAgain = () => setCount((previous) => previous + 1);
        const { status } = loaded.hooks.useStream(client, 'ticks', makeBody() as { symbol: string });
        return `${status} ${count}`;
      });
      await shown('open 0');
      renderAgain!();
      await shown('open 1');
      expect([gateway.opened.length, encode.mock.calls.length <= 1]).toEqual([1, true]);
    });

    it.each<[string, unknown, unknown]>([
      ['bytes', new Uint8Array([1]), new Uint8Array([2])],
      ['payloads', 'A', 'B'],
      ['a Map', new Map([[1, 2]]), new Map([[1, 3]])],
      ['a Set', new Set([1]), new Set([2])],
      ['bigints', 1n, 2n],
      ['numbers that JSON does not have', NaN, Infinity],
    ])('opens the stream again for another content of a body that is not JSON: %s', async (kind, ...bodies) => {
      const { Payload } = loaded.client;
      const encode = () => Payload.json({ symbol: 'A' });
      const client = create({ codec: { ...loaded.client.jsonCodec, encode } });
      const [one, other] = kind === 'payloads' ? bodies.map((symbol) => Payload.json({ symbol })) : bodies;
      let choose: (body: unknown) => void;
      render(() => {
        const [body, setBody] = loaded.react.useState(one);
        choose = (next) => setBody(next);
        return show(loaded.hooks.useStream(client, 'ticks', body as { symbol: string }));
      });
      await vi.waitFor(() => expect(gateway.opened).toHaveLength(1));
      choose!(other);
      await vi.waitFor(() => expect(gateway.opened).toHaveLength(2));
    });

    it('shows the error of a body that cannot be encoded, once', async () => {
      const client = create();
      let renders = 0;
      render(() => {
        renders++;
        const { status, error } = loaded.hooks.useStream(client, 'ticks', { symbol: 1n } as never);
        return `${status} ${(error as Error | undefined)?.name}`;
      });
      await shown('failed TypeError');
      expect(renders).toBeLessThan(5);
    });

    it('fails with the error of `onItem`, and closes the stream', async () => {
      const client = create();
      render(() => {
        const onItem = () => {
          throw new Error('broken');
        };
        const { status, error } = loaded.hooks.useStream(client, 'ticks', { symbol: 'A' }, { onItem });
        return `${status} ${(error as Error | undefined)?.message}`;
      });
      await shown('failed broken');
      await vi.waitFor(() => expect(gateway.closed).toEqual(['A']));
    });

    it('opens the stream again if the client has replaced the connection while an item was validated', async () => {
      const validating = deferred();
      const gate = deferred();
      const schema = {
        '~standard': {
          version: 1,
          vendor: 'test',
          async validate(value: unknown) {
            validating.resolve();
            await gate.promise;
            return { value: value as Tick };
          },
        },
      } satisfies StandardSchema<Tick>;
      const contract = defineContract({ streams: { ticks: { body: schema, item: schema } } });
      const client = create({ contract } as object);
      render(() => show(loaded.hooks.useStream(client, 'ticks', { symbol: 'A' })));
      await validating.promise;
      const reconnected = new Promise((resolve) => client.on('connected', resolve));
      kick();
      await reconnected;
      gate.resolve();
      await shown('open A 2');
    });

    it('opens the stream again on the next connection, and keeps the last item meanwhile', async () => {
      const client = create();
      const statuses: string[] = [];
      render(() => {
        const state = loaded.hooks.useStream(client, 'ticks', { symbol: 'A' });
        if (statuses.at(-1) !== state.status) statuses.push(state.status);
        return show(state);
      });
      await shown('open A 1');
      void client.disconnect();
      await shown('interrupted A 1');
      void client.connect();
      await shown('open A 2');
      expect(statuses).toEqual(['opening', 'open', 'interrupted', 'open']);
      await client.close();
      await shown('failed A 2');
    });

    it('shows the end, and calls `onItem` for each item', async () => {
      const client = create();
      const items: string[] = [];
      render(() => {
        const { status, item } = loaded.hooks.useStream(client, 'short', undefined, {
          onItem: (one) => items.push(one.body),
        });
        return `${status} ${item?.body}`;
      });
      await shown('ended b');
      expect(items).toEqual(['a', 'b']);
    });

    it('opens when there is a server at last, also if nothing else connects', async () => {
      const client = create({ requestTimeout: 20 });
      await app.close();
      render(() => show(loaded.hooks.useStream(client, 'ticks', { symbol: 'A' })));
      await shown('interrupted ');
      app = await TestApp.start({ providers: [TicksGateway] }, { sessions: false, transport, codec: jsonCodec });
      await shown('open A 1');
    });

    it('shows the error of the handler', async () => {
      const client = create();
      render(() => {
        const { status, error } = loaded.hooks.useStream(client, 'broken');
        return `${status} ${(error as RequestError | undefined)?.code}`;
      });
      await shown('failed BROKEN');
    });

    it('opens nothing with `enabled: false`, and closes the stream when it becomes false', async () => {
      const client = create();
      const statuses: string[] = [];
      let enable: (enabled: boolean) => void;
      render(() => {
        const [enabled, setEnabled] = loaded.react.useState(false);
        enable = setEnabled;
        const state = loaded.hooks.useStream(client, 'ticks', { symbol: 'A' }, { enabled });
        if (statuses.at(-1) !== state.status) statuses.push(state.status);
        return show(state);
      });
      await shown('idle ');
      expect(client.status).toBe('disconnected');
      enable!(true);
      await shown('open A 1');
      enable!(false);
      await shown('idle ');
      await vi.waitFor(() => expect(gateway.closed).toEqual(['A']));
      expect(statuses).toEqual(['idle', 'opening', 'open', 'idle']);
    });
  });
});
