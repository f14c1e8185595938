import { WebSocketServer } from '@nestjs/websockets';
import { InvalidOptionError, WebwireGateway, WebwireRequest, type WebwireModuleOptions } from 'nestjs-webwire';
import type { WebwireServer } from 'nestjs-webwire';
import { BunTransport } from 'nestjs-webwire/bun';
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { tls } from '../support/certificate.js';
import { TestApp } from '../support/test-app.js';

@WebwireGateway()
class First {
  @WebSocketServer() server!: WebwireServer;
  @WebwireRequest('where') where() {
    return 'first';
  }
}

@WebwireGateway({ path: '/second' })
class Second {
  @WebSocketServer() server!: WebwireServer;
  @WebwireRequest('where') where() {
    return 'second';
  }
}

@WebwireGateway(3001, { transport: new BunTransport() })
class PricesGateway {
  @WebwireRequest('where') where() {
    return 'prices';
  }
}

/** Options of `Bun.serve`, as far as they are asserted. */
interface ServeOptions {
  readonly port: number;
  readonly websocket: object;
}

/** Replaces the global `Bun` until the test is over. Nothing listens. */
function fakeBun() {
  const opened: ServeOptions[] = [];
  const stop = vi.fn<() => Promise<void>>(() => Promise.resolve());
  vi.stubGlobal('Bun', {
    serve(options: ServeOptions) {
      opened.push(options);
      return { address: { address: '::', family: 'IPv6', port: options.port }, stop };
    },
  });
  return { opened, stop };
}

afterEach(() => vi.unstubAllGlobals());

async function start(options: WebwireModuleOptions, providers = [First]): Promise<TestApp> {
  const app = await TestApp.start({ providers }, { transport: new BunTransport(), ...options });
  onTestFinished(() => app.close());
  return app;
}

describe('a BunTransport', () => {
  it('fails the start on another runtime', async () => {
    vi.stubGlobal('Bun', undefined);
    await expect(start({ gateways: { First: { port: 0 } } })).rejects.toThrow(
      'BunTransport needs Bun, but this process runs on another runtime: start the application with `bun --bun`, or use WsTransport',
    );
  });

  it('fails the start for a gateway on the HTTP server of the application', async () => {
    fakeBun();
    await expect(start({})).rejects.toThrow(
      'BunTransport cannot use the HTTP server of the application: give each gateway a port of its own, ' +
        'such as @WebwireGateway(3001), or the option transport: new WsTransport()',
    );
  });

  it('serves one gateway, as in docs/transports.md', async () => {
    const { opened } = fakeBun();
    const app = await TestApp.start({ providers: [PricesGateway] });
    onTestFinished(() => app.close());
    expect(opened).toEqual([expect.objectContaining({ port: 3001 })]);
    const page = await readFile(new URL('../../docs/transports.md', import.meta.url), 'utf8');
    expect(page).toContain('@WebwireGateway(3001, { transport: new BunTransport() })\nclass PricesGateway {}\n');
  });

  it('gives Bun the limits of the gateway', async () => {
    const { opened } = fakeBun();
    await start({ gateways: { First: { port: 5001, messageBufferSize: 2 ** 20, handshakeTimeout: 4_500 } } });
    expect(opened).toEqual([
      {
        port: 5001,
        tls: undefined,
        idleTimeout: 6,
        development: false,
        reusePort: false,
        fetch: expect.any(Function),
        websocket: expect.objectContaining({
          maxPayloadLength: 2 ** 22,
          backpressureLimit: 0,
          idleTimeout: 0,
          sendPings: false,
          perMessageDeflate: false,
        }),
      },
    ]);
  });

  it('has messages of 64 KiB reported rather than cut off, however small messageBufferSize is', async () => {
    const { opened } = fakeBun();
    await start({ gateways: { First: { port: 5001, messageBufferSize: 32 } } });
    expect(opened[0]!.websocket).toMatchObject({ maxPayloadLength: 2 ** 16 });
  });

  it('does not limit the time of a handshake that may take longer than Bun can measure', async () => {
    const { opened } = fakeBun();
    await start({ gateways: { First: { port: 5001, handshakeTimeout: 300_000 } } });
    expect(opened).toEqual([expect.objectContaining({ idleTimeout: 0 })]);
  });

  it('opens a shared port once, with the largest limits, and closes it with its last gateway', async () => {
    const { opened, stop } = fakeBun();
    const gateways = { First: { port: 5001 }, Second: { port: 5001, messageBufferSize: 2 ** 20 } };
    const app = await start({ gateways }, [First, Second]);
    expect(opened).toEqual([
      expect.objectContaining({ port: 5001, websocket: expect.objectContaining({ maxPayloadLength: 2 ** 22 }) }),
    ]);
    expect(app.get(Second).server.address).toEqual({ address: '::', family: 'IPv6', port: 5001 });
    await app.close();
    expect(stop).toHaveBeenCalledTimes(1);
    expect(app.get(Second).server.address).toBeNull();
  });

  it('opens a port for each gateway that has any free one', async () => {
    const { opened } = fakeBun();
    await start({ gateways: { First: { port: 0 }, Second: { port: 0 } } }, [First, Second]);
    expect(opened.map(({ port }) => port)).toEqual([0, 0]);
  });

  it('gives Bun the options of TLS that it has', async () => {
    const { opened } = fakeBun();
    await start({ gateways: { First: { port: 0, tls: { ...tls, requestCert: true } } } });
    expect(opened).toEqual([expect.objectContaining({ tls: { ...tls, requestCert: true, rejectUnauthorized: true } })]);
  });

  it.each(['minVersion', 'pfx', 'SNICallback'])(
    'refuses the option %s of TLS, which Bun would ignore',
    async (name) => {
      fakeBun();
      const starting = start({ gateways: { First: { port: 0, tls: { ...tls, [name]: 'secret' } } } });
      await expect(starting).rejects.toThrow(InvalidOptionError);
      await expect(starting).rejects.toThrow(
        `BunTransport does not support the WebWire option tls.${name}; there are: ` +
          'ca, cert, ciphers, key, passphrase, rejectUnauthorized, requestCert, secureOptions',
      );
    },
  );
});
