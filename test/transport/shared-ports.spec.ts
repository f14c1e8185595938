import type { Type } from '@nestjs/common';
import { WebwireGateway, WebwireRequest, WsTransport, type WebwireGatewayOptions } from 'nestjs-webwire';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { freePort } from '../support/free-port.js';
import { TestApp } from '../support/test-app.js';

/** The error of `listen()` for a port that is taken, on Node.js or Bun. */
const TAKEN = '(listen EADDRINUSE|Failed to start server)';

const apps: TestApp[] = [];

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/** A gateway whose request `where` is answered with its path. */
function gatewayAt(path: string, port: number, options: WebwireGatewayOptions = {}): Type {
  @WebwireGateway(port, { ...options, path, name: `At${path.slice(1)}` })
  class Gateway {
    @WebwireRequest('where') where() {
      return path;
    }
  }
  return Gateway;
}

async function start(...providers: Type[]): Promise<TestApp> {
  const app = await TestApp.start({ providers });
  apps.push(app);
  return app;
}

async function where(path: string, port: number): Promise<string> {
  return (await apps[0]!.connect(path, port)).ask('where');
}

function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

/** The extensions that a server agrees to. */
async function extensions(path: string, port: number): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  await once(socket, 'open');
  socket.terminate();
  return socket.extensions;
}

describe('gateways of one application with one port', () => {
  it('share it although their transports have different options', async () => {
    const port = await freePort();
    const compressing = new WsTransport({ perMessageDeflate: true });
    const app = await start(
      gatewayAt('/a', port, { transport: compressing }),
      gatewayAt('/b', port, { transport: new WsTransport() }),
      gatewayAt('/c', port),
    );
    expect(await Promise.all(['/a', '/b', '/c'].map((path) => where(path, port)))).toEqual([
      'utf8 /a',
      'utf8 /b',
      'utf8 /c',
    ]);
    expect(await extensions('/a', port)).toContain('permessage-deflate');
    expect(await extensions('/b', port)).toBe('');
    await app.close();
    expect(await isOpen(port)).toBe(false);
  });

  it('share it again in another application, with the same transports', async () => {
    const port = await freePort();
    const [one, other] = [new WsTransport(), new WsTransport()];
    for (let run = 0; run < 2; run++) {
      const app = await start(gatewayAt('/a', port, { transport: one }), gatewayAt('/b', port, { transport: other }));
      expect([await where('/a', port), await where('/b', port)]).toEqual(['utf8 /a', 'utf8 /b']);
      await app.close();
      apps.splice(0);
      expect(await isOpen(port)).toBe(false);
    }
  });
});

describe('applications of one process with one port', () => {
  it('do not share it: the second one does not start, and its error names gateway and port', async () => {
    const port = await freePort();
    await start(gatewayAt('/a', port));
    const starting = start(gatewayAt('/b', port));
    await expect(starting).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(starting).rejects.toThrow(
      new RegExp(
        `^Atb cannot listen on port ${port}: ${TAKEN}.*; another program, or another server of this process, ` +
          'listens there\\. Choose another port in the decorator or with the option gateways\\.Atb\\.port',
      ),
    );
    expect(await where('/a', port)).toBe('utf8 /a');
  });

  it('share it if they have one transport, until the last one closes', async () => {
    const port = await freePort();
    const transport = new WsTransport();
    await start(gatewayAt('/a', port, { transport }));
    const second = await start(gatewayAt('/b', port, { transport }), gatewayAt('/c', port));
    expect(await Promise.all(['/a', '/b', '/c'].map((path) => where(path, port)))).toEqual([
      'utf8 /a',
      'utf8 /b',
      'utf8 /c',
    ]);
    await second.close();
    expect(await where('/a', port)).toBe('utf8 /a');
    await apps[0]!.close();
    expect(await isOpen(port)).toBe(false);
  });

  it('cannot share a path', async () => {
    const port = await freePort();
    const transport = new WsTransport();
    await start(gatewayAt('/a', port, { transport }));
    await expect(start(gatewayAt('/a', port, { transport }))).rejects.toThrow(
      'two WebWire servers claim the path /a of one HTTP server: give one of them another path or port',
    );
    expect(await where('/a', port)).toBe('utf8 /a');
  });
});
