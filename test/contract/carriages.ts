import { FastifyAdapter } from '@nestjs/platform-fastify';
import { BunTransport } from 'nestjs-webwire/bun';
import { MemoryTransport, WsTransport, type Transport, type WebwireGatewayOverrides } from 'nestjs-webwire';
import type { AddressInfo } from 'node:net';
import type { ClientOptions } from 'ws';
import { ca, tls } from '../support/certificate.js';
import type { TestApp } from '../support/test-app.js';
import { openMemorySocket, openWebSocket, type End, type EndListener } from './end.js';
import { ContractGateway } from './contract.gateway.js';

/** One kind of connection between a client and a server. */
export interface Carriage {
  readonly name: string;
  /** Called for each application. */
  prepare(): {
    readonly transport?: Transport;
    readonly gateway?: WebwireGatewayOverrides;
    readonly application?: Parameters<typeof TestApp.startWithout>[2];
    readonly connect: (app: TestApp, listener: EndListener) => Promise<End>;
  };
}

/** Connects to the HTTP server of the application. */
function toHttpServer(scheme: 'ws' | 'wss', options?: ClientOptions) {
  return ({ port }: TestApp, listener: EndListener) =>
    openWebSocket(`${scheme}://127.0.0.1:${port}/`, listener, options);
}

/** Connects to the own port of the gateway. */
function toOwnPort(scheme: 'ws' | 'wss', options?: ClientOptions) {
  return (app: TestApp, listener: EndListener) => {
    const { port } = app.get(ContractGateway).server.address as AddressInfo;
    return openWebSocket(`${scheme}://127.0.0.1:${port}/`, listener, options);
  };
}

/** Those that exist only on Bun. */
const ON_BUN: readonly Carriage[] = [
  {
    name: 'WebSockets of Bun',
    prepare: () => ({ transport: new BunTransport(), gateway: { port: 0 }, connect: toOwnPort('ws') }),
  },
  {
    name: 'WebSockets of Bun over TLS',
    prepare: () => ({ transport: new BunTransport(), gateway: { port: 0, tls }, connect: toOwnPort('wss', { ca }) }),
  },
];

/** All kinds. The protocol is the same over each, so the same tests run over each. */
export const CARRIAGES: readonly Carriage[] = [
  {
    name: 'WebSockets on the HTTP server of Express',
    prepare: () => ({ connect: toHttpServer('ws') }),
  },
  {
    name: 'WebSockets on the HTTP server of Fastify',
    prepare: () => ({ application: { adapter: new FastifyAdapter() }, connect: toHttpServer('ws') }),
  },
  {
    name: 'WebSockets on a port of their own',
    prepare: () => ({ gateway: { port: 0 }, connect: toOwnPort('ws') }),
  },
  {
    name: 'WebSockets over TLS on the HTTP server',
    prepare: () => ({ application: { httpsOptions: tls }, connect: toHttpServer('wss', { ca }) }),
  },
  {
    name: 'WebSockets over TLS on a port of their own',
    prepare: () => ({ gateway: { port: 0, tls }, connect: toOwnPort('wss', { ca }) }),
  },
  {
    name: 'WebSockets that compress',
    prepare: () => ({
      transport: new WsTransport({ perMessageDeflate: { threshold: 256 } }),
      connect: toHttpServer('ws', { perMessageDeflate: { threshold: 256 } }),
    }),
  },
  {
    name: 'WebSockets that compress everything, over TLS',
    prepare: () => ({
      application: { httpsOptions: tls },
      transport: new WsTransport({ perMessageDeflate: { threshold: 0 } }),
      // `ws` sends compressed messages later. With this threshold, small messages are sent at once, as tests expect.
      connect: toHttpServer('wss', { ca, perMessageDeflate: { threshold: 64 } }),
    }),
  },
  {
    name: 'memory',
    prepare: () => {
      const transport = new MemoryTransport();
      return { transport, connect: (_app, listener) => openMemorySocket(transport, listener) };
    },
  },
  ...(process.versions.bun === undefined ? [] : ON_BUN),
];
