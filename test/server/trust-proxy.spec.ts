import { Module, type ExecutionContext, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ConnectedSocket, WebSocketServer } from '@nestjs/websockets';
import {
  MemoryTransport,
  UseHandshakeGuards,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  type Handshake,
  type TrustProxy,
  type WebwireConnection,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { createTestClient } from 'nestjs-webwire/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { refusal } from '../support/refusal.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

const seenByGuards: (string | undefined)[] = [];

class AddressGuard {
  canActivate(context: ExecutionContext) {
    seenByGuards.push(context.switchToWs().getData<Handshake>().ip);
    return true;
  }
}

@UseHandshakeGuards(AddressGuard)
@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;

  @WebwireRequest('where') where(@ConnectedSocket() { ip, remoteAddress, headers }: WebwireConnection) {
    return { ip, remoteAddress, agent: headers['x-agent'] };
  }
}

async function start(options: WebwireModuleOptions, application: Parameters<typeof TestApp.startWithout>[2] = {}) {
  const imports = [WebwireModule.forRoot(options)];
  const app = await TestApp.startWithout({ imports, providers: [Gateway] }, undefined, application);
  onTestFinished(() => app.close());
  return app;
}

/** `connection.ip` of a client with these headers, whose peer has this address. */
async function ipOf(trustProxy: TrustProxy, headers: IncomingHttpHeaders, remoteAddress?: string) {
  const { app } = await start({ trustProxy, transport: new MemoryTransport() });
  return ipIn(app, headers, remoteAddress);
}

async function ipIn(app: INestApplication, headers: IncomingHttpHeaders, remoteAddress?: string) {
  const client = createTestClient(app, { headers, remoteAddress });
  onTestFinished(() => client.close());
  await client.connect();
  return (await client.request('where')).json<{ ip?: string }>().ip;
}

/** The parts of an application of Express that are used here. */
interface Express {
  readonly request: object;
  set(setting: string, value: unknown): void;
}

const PROXY = '10.0.0.1';
const forwardedFor = (list: string): IncomingHttpHeaders => ({ 'x-forwarded-for': list });
const forwarded = (list: string): IncomingHttpHeaders => ({ forwarded: list });

describe('without trustProxy', () => {
  it('the address of a client is that of its peer, whatever its headers say', async () => {
    expect(await ipOf(false, { ...forwardedFor('203.0.113.7'), ...forwarded('for=203.0.113.8') }, PROXY)).toBe(PROXY);
  });

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['2001:0DB8:0:0::0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['::', '::'],
  ])('the address %s is %s', async (address, canonical) => {
    expect(await ipOf(false, {}, address)).toBe(canonical);
  });

  it('a client of a transport without addresses has none', async () => {
    expect(await ipOf(false, forwardedFor('203.0.113.7'))).toBeUndefined();
  });

  it('keeps the name that a transport of its own gives a peer', async () => {
    expect(await ipOf(false, {}, 'node 7')).toBe('node 7');
  });
});

describe('X-Forwarded-For', () => {
  it.each<[string, TrustProxy, string, string]>([
    ['one proxy', 1, '203.0.113.7', '203.0.113.7'],
    ['no proxies', 0, '203.0.113.7', PROXY],
    ['one proxy, but a forged list before its part', 1, '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['two proxies', 2, '198.51.100.1, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['more proxies than there are reports', 5, '203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['all proxies', true, '198.51.100.1, 203.0.113.7, 10.0.0.2', '198.51.100.1'],
    ['an address', '10.0.0.1', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['another address', '10.0.0.9', '203.0.113.7', PROXY],
    ['a subnet', '10.0.0.0/8', '198.51.100.1, 203.0.113.7, 10.200.0.2', '203.0.113.7'],
    ['a subnet with a mask', '10.0.0.0/255.0.0.0', '203.0.113.7, 10.200.0.2', '203.0.113.7'],
    ['a name', 'uniquelocal', '198.51.100.1, 203.0.113.7, 192.168.0.2', '203.0.113.7'],
    ['several in one text', 'loopback, 10.0.0.1', '203.0.113.7, 127.0.0.1', '203.0.113.7'],
    ['an array', ['10.0.0.1', 'loopback', 'fd00::/8'], '203.0.113.7, fd00::1', '203.0.113.7'],
    ['an empty array', [], '203.0.113.7', PROXY],
    ['a function', (address) => address.startsWith('10.'), '198.51.100.1, 203.0.113.7, 10.1.1.1', '203.0.113.7'],
    ['a function of the hop', (_address, hop) => hop < 1, '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['a function that returns nothing', (() => undefined) as never, '203.0.113.7', PROXY],
  ])('gives the address of a client behind %s, as Express does', async (_what, trustProxy, list, ip) => {
    const { app } = await start({ trustProxy, transport: new MemoryTransport() });
    expect(await ipIn(app, forwardedFor(list), PROXY)).toBe(ip);
    const express = app.getHttpAdapter().getInstance() as Express;
    express.set('trust proxy', trustProxy);
    const request = Object.create(express.request) as { ip?: string };
    Object.assign(request, { app: express, headers: forwardedFor(list), socket: { remoteAddress: PROXY } });
    expect(request.ip).toBe(ip);
  });

  it.each([
    ['IPv4-mapped IPv6', '::ffff:203.0.113.7', '203.0.113.7'],
    ['IPv6 in another form', '2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['a port', '203.0.113.7:4711', '203.0.113.7'],
    ['IPv6 in brackets', '[2001:db8::7]', '2001:db8::7'],
    ['IPv6 with a port', '[2001:db8::7]:4711', '2001:db8::7'],
    ['spaces and tabs', ' \t203.0.113.7 ', '203.0.113.7'],
  ])('may report %s', async (_what, list, ip) => {
    expect(await ipOf(1, forwardedFor(list), '::ffff:10.0.0.1')).toBe(ip);
  });

  it.each([
    '',
    'unknown',
    'unix:',
    '203.0.113.7,',
    '203.0.113',
    '0x7f.1',
    '203.0.113.07',
    '203.0.113.7:port',
    '[203.0.113.7]',
    '[2001:db8::7',
    '2001:db8::7::1',
    '203.0.113.7 203.0.113.8',
    '"203.0.113.7"',
    '203.0.113.7\u0000',
    '127.0.0.1\nfalse line',
  ])('that reports no address (%j) leaves the address of the proxy', async (list) => {
    expect(await ipOf(1, forwardedFor(list), PROXY)).toBe(PROXY);
    expect(await ipOf(true, forwardedFor(`198.51.100.1, ${list}`), PROXY)).toBe(PROXY);
  });

  it('is believed no further than its last part that is an address', async () => {
    expect(await ipOf(true, forwardedFor('198.51.100.1, nobody, 203.0.113.7'), PROXY)).toBe('203.0.113.7');
  });

  it('is read for 32 proxies at most, however long it is', async () => {
    const list = Array.from({ length: 10_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
    let asked = 0;
    const trustAll = () => ++asked > 0;
    expect(await ipOf(trustAll, forwardedFor(list.join(',')), PROXY)).toBe(list.at(-32));
    expect(asked).toBe(32);
  });

  it('may have several lines', async () => {
    const headers = { 'x-forwarded-for': ['198.51.100.1', '203.0.113.7, 10.0.0.2'] } as unknown as IncomingHttpHeaders;
    expect(await ipOf(2, headers, PROXY)).toBe('203.0.113.7');
  });

  it('counts, and not a Forwarded that its proxy passes on', async () => {
    expect(await ipOf(1, { ...forwardedFor('203.0.113.7'), ...forwarded('for=198.51.100.1') }, PROXY)).toBe(
      '203.0.113.7',
    );
  });

  it('works for peers without addresses, such as proxies on a Unix domain socket', async () => {
    expect(await ipOf(1, forwardedFor('203.0.113.7'))).toBe('203.0.113.7');
    expect(await ipOf('loopback', forwardedFor('203.0.113.7'))).toBeUndefined();
    expect(await ipOf((address) => address === '', forwardedFor('198.51.100.1, 203.0.113.7'))).toBe('203.0.113.7');
  });
});

describe('Forwarded', () => {
  it.each([
    ['an address', 'for=203.0.113.7', '203.0.113.7'],
    ['other parameters', 'proto=https;FOR=203.0.113.7;by=10.0.0.1;host=example.com', '203.0.113.7'],
    ['a port', 'for="203.0.113.7:4711"', '203.0.113.7'],
    ['an obfuscated port', 'for="203.0.113.7:_x1"', '203.0.113.7'],
    ['IPv6', 'for="[2001:DB8::7]"', '2001:db8::7'],
    ['IPv6 with a port', 'for="[2001:db8::7]:4711"', '2001:db8::7'],
    ['IPv4-mapped IPv6', 'for="[::ffff:203.0.113.7]"', '203.0.113.7'],
    ['IPv6 without quotes', 'for=[2001:db8::7]', '2001:db8::7'],
    ['an escaped character', 'for="203.0.113\\.7"', '203.0.113.7'],
    ['spaces', ' for=203.0.113.7 ; proto=https ', '203.0.113.7'],
    ['a forged list before it', 'for=198.51.100.1, for=203.0.113.7', '203.0.113.7'],
    ['a forged open quote before it', 'for="198.51.100.1, for=203.0.113.7', '203.0.113.7'],
    ['a forged quote that its own would close', 'x=", for="203.0.113.7";by="10.0.0.1"', '203.0.113.7'],
    ['a forged quote, and an escaped one', 'x=", for=203.0.113.7;host="a\\"b"', '203.0.113.7'],
    ['a forged open quote with a slash', 'x="\\, for="203.0.113.7"', '203.0.113.7'],
    ['a comma in quotes', 'for=203.0.113.7;host="a, for=198.51.100.1"', '203.0.113.7'],
    ['quotes and slashes in quotes', 'for=203.0.113.7;host="a\\\\\\", for=198.51.100.1\\\\"', '203.0.113.7'],
  ])('may report %s', async (_what, list, ip) => {
    expect(await ipOf(1, forwarded(list), PROXY)).toBe(ip);
  });

  it.each([
    '',
    'for=unknown',
    'for=_hidden',
    'for="_hidden:80"',
    'proto=https;by=203.0.113.7',
    'for=203.0.113.7;for=198.51.100.1',
    'for=203.0.113.7;;proto=https',
    'for=203.0.113.7"',
    'for="203.0.113.7',
    'for = 203.0.113.7',
    'for=203.0.113.7 proto=https',
    'for="[203.0.113.7]"',
    'for="203.0.113.7:port"',
    '203.0.113.7',
    ';for=203.0.113.7',
    'for=,',
  ])('that reports no address (%j) leaves the address of the proxy', async (list) => {
    expect(await ipOf(1, forwarded(list), PROXY)).toBe(PROXY);
    expect(await ipOf(true, forwarded(`for=198.51.100.1, ${list}`), PROXY)).toBe(PROXY);
  });

  it('is followed through several proxies', async () => {
    const list = 'for=198.51.100.1, for="[2001:db8::7]:4711";proto=https, for=10.0.0.2';
    expect(await ipOf('10.0.0.0/8', forwarded(list), PROXY)).toBe('2001:db8::7');
    expect(await ipOf(true, forwarded(list), PROXY)).toBe('198.51.100.1');
  });
});

describe.each<[string, WebwireModuleOptions, Parameters<typeof TestApp.startWithout>[2]]>([
  ['the HTTP server of Express', {}, {}],
  ['the HTTP server of Fastify', {}, { adapter: new FastifyAdapter() }],
  ['a port of its own', { gateways: { Gateway: { port: 0 } } }, {}],
])('on %s', (_where, options, application) => {
  it('a connection has the headers of its upgrade, and the address that its proxy reports', async () => {
    const app = await start({ ...options, trustProxy: 'loopback' }, application);
    const { port } = app.get(Gateway).server.address as AddressInfo;
    const headers = { 'X-Forwarded-For': '198.51.100.1, 203.0.113.7', 'X-Agent': 'test' };
    const client = await WireClient.connect(app.url('/', port), { headers });
    const reply = await client.ask('where');
    expect(JSON.parse(reply.slice('utf8 '.length))).toMatchObject({ ip: '203.0.113.7', agent: 'test' });
    expect(reply).toMatch(/"remoteAddress":"(?:::ffff:)?127\.0\.0\.1"/);
    await client.close();
  });
});

it('a proxy on a Unix domain socket can report the address of a client', async () => {
  @Module({ imports: [WebwireModule.forRoot({ trustProxy: 1 })], providers: [Gateway] })
  class AppModule {}
  const directory = await mkdtemp(join(tmpdir(), 'webwire-proxy-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const app = await NestFactory.create(AppModule, { logger: false });
  onTestFinished(() => app.close());
  const path = join(directory, 'socket');
  await app.listen(path);
  const client = await WireClient.connect(`ws+unix://${path}:/`, { headers: { 'X-Forwarded-For': '203.0.113.7' } });
  expect(await client.ask('where')).toBe('utf8 {"ip":"203.0.113.7"}');
  await client.close();
});

it('handshake guards get the address of the client', async () => {
  seenByGuards.length = 0;
  expect(await ipOf(1, forwardedFor('203.0.113.7'), PROXY)).toBe('203.0.113.7');
  expect(seenByGuards).toEqual(['203.0.113.7']);
});

it('can be set for one gateway', async () => {
  const app = await start({ trustProxy: true, gateways: { Gateway: { trustProxy: false } } });
  const client = await WireClient.connect(app.url(), { headers: { 'X-Forwarded-For': '203.0.113.7' } });
  expect(await client.ask('where')).toContain('"ip":"127.0.0.1"');
  await client.close();
});

it.each<[string, () => unknown, string]>([
  ['returns a promise', async () => true, 'trustProxy returned a promise instead of a boolean'],
  [
    'fails',
    () => {
      throw new Error('no list of proxies');
    },
    'no list of proxies',
  ],
])('a function that %s admits no client, and the failure is logged', async (_how, trustProxy, message) => {
  const app = await start({ trustProxy: trustProxy as never });
  expect(await refusal(app.url(), { headers: { 'X-Forwarded-For': '203.0.113.7' } })).toBe('500 internal server error');
  expect(await app.logger.logged('error', 'A handshake failed')).toContain(message);
});

it('log lines name the address of the client, never a text of it', async () => {
  const app = await start({ trustProxy: 1 });
  const headers = { 'X-Forwarded-For': 'forged, 203.0.113.7' };
  const client = await WireClient.connect(app.url(), { headers });
  client.sendBytes('ff');
  await client.closed;
  expect(await app.logger.logged('warn', 'broke the protocol')).toContain('(203.0.113.7)');
  const other = await WireClient.connect(app.url(), { headers: { 'X-Forwarded-For': 'forged line' } });
  other.sendBytes('ff');
  await other.closed;
  expect(app.logger.lines.filter(({ text }) => text.includes('forged'))).toEqual([]);
});
