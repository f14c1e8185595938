import { WebSocketServer } from '@nestjs/websockets';
import {
  MemoryTransport,
  UseHandshakeGuards,
  WebwireGateway,
  WsTransport,
  type Handshake,
  type Transport,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import type { ExecutionContext } from '@nestjs/common';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TestApp } from '../support/test-app.js';

const seen: string[] = [];

class Guard {
  canActivate(context: ExecutionContext) {
    seen.push(context.switchToWs().getData<Handshake>().protocol);
    return true;
  }
}

@UseHandshakeGuards(Guard)
@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
}

@WebwireGateway({ path: '/own', webSocketProtocols: ['own'] })
class Own {}

let app: TestApp;

afterEach(() => app.close());

interface Dialed {
  readonly protocol: string;
  terminate(): void;
}

type Dial = (path: string, protocols: string[]) => Promise<Dialed>;

const memory = new MemoryTransport();

const TRANSPORTS: [string, Transport, Dial][] = [
  ['WebSockets', new WsTransport(), dial(false)],
  ['compressed WebSockets', new WsTransport({ perMessageDeflate: true }), dial(true)],
  [
    'MemoryTransport',
    memory,
    async (path, protocols) => {
      const socket = new memory.webSocket(path, protocols);
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', ({ error }) => reject(error));
      });
      return socket;
    },
  ],
];

/** Connects as a client that accepts a response without one of its protocols. */
function dial(perMessageDeflate: boolean): Dial {
  return async (path, protocols) => {
    const headers = protocols.length > 0 ? { 'Sec-WebSocket-Protocol': protocols.join(',') } : {};
    const socket = new WebSocket(app.url(path), { perMessageDeflate, headers });
    let [chosen] = [''];
    socket.on('upgrade', (response) => {
      chosen = response.headers['sec-websocket-protocol'] ?? '';
      // `ws` rejects a sub-protocol that it has not offered itself.
      delete response.headers['sec-websocket-protocol'];
    });
    await once(socket, 'open');
    return { protocol: chosen, terminate: () => socket.terminate() };
  };
}

describe.each(TRANSPORTS)('over %s, a client', (_name, transport, connect) => {
  async function start(options: WebwireModuleOptions) {
    seen.length = 0;
    app = await TestApp.start({ providers: [Gateway, Own] }, { ...options, transport });
  }

  async function protocolOf(path: string, ...protocols: string[]): Promise<string> {
    const socket = await connect(path, protocols);
    socket.terminate();
    return socket.protocol;
  }

  it('that offers sub-protocols gets the name of the application protocol first', async () => {
    await start({ subProtocolName: 'chat', webSocketProtocols: ['v2', 'v1'] });
    expect(await protocolOf('/', 'v1', 'chat')).toBe('chat');
  });

  it('else gets the first of its list that the server names', async () => {
    await start({ webSocketProtocols: ['v2', 'v1'] });
    expect(await protocolOf('/', 'v0', 'v1', 'v2')).toBe('v1');
  });

  it.each([
    ['offers none', []],
    ['offers others', ['v0', 'V1']],
  ])('that %s gets none', async (_what, protocols: string[]) => {
    await start({ subProtocolName: 'chat room', webSocketProtocols: ['v1'] });
    expect(await protocolOf('/', ...protocols)).toBe('');
  });

  it('gets none by default', async () => {
    await start({});
    expect(await protocolOf('/', 'v1')).toBe('');
  });

  it('gets the sub-protocol of its gateway', async () => {
    await start({ webSocketProtocols: ['module'], gateways: { Gateway: { webSocketProtocols: ['configured'] } } });
    expect(await protocolOf('/', 'module', 'own', 'configured')).toBe('configured');
    expect(await protocolOf('/own', 'module', 'own', 'configured')).toBe('own');
  });

  it('shows its chosen sub-protocol to handshake guards', async () => {
    await start({ webSocketProtocols: ['v1'] });
    await protocolOf('/', 'v1');
    await protocolOf('/', 'v2');
    expect(seen).toEqual(['v1', '']);
  });

  it.each([
    ['twice the same', ['v1', 'v1']],
    ['what is no name', ['v 1']],
  ])('that offers %s is refused, and reported', async (_what, protocols) => {
    await start({ webSocketProtocols: ['v1'] });
    const refused = once(app.get(Gateway).server, 'refusal');
    await expect(connect('/', protocols)).rejects.toThrow(/400|Invalid Sec-WebSocket-Protocol header/);
    expect(await refused).toMatchObject([{ status: 400, reason: 'Invalid Sec-WebSocket-Protocol header' }]);
    expect(seen).toEqual([]);
  });
});

it('a client of browsers that offers a sub-protocol can connect', async () => {
  app = await TestApp.start({ providers: [Gateway] }, { webSocketProtocols: ['v1'] });
  const socket = new WebSocket(app.url(), ['v2', 'v1']);
  await once(socket, 'open');
  expect(socket.protocol).toBe('v1');
  socket.terminate();
});

it('a MemoryTransport reports clients without a server at their path', async () => {
  app = await TestApp.start({ providers: [Gateway] }, { transport: memory });
  const refused = once(app.get(Gateway).server, 'refusal');
  await expect(memory.connect('/nowhere?x')).rejects.toThrow('no WebWire server here');
  expect(await refused).toMatchObject([{ request: { url: '/nowhere?x' }, status: 404 }]);
});
