import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import {
  jsonCodec,
  WebwireAdapter,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
  type PayloadCodec,
} from 'nestjs-webwire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createWebwireDocument } from 'nestjs-webwire/document';
import { tls } from '../support/certificate.js';
import { complaints } from './asyncapi-parser.js';
import { documentOf, messageIn } from './document-of.js';

@WebwireGateway({ path: '/chat' })
class ChatGateway {
  @WebwireRequest('say') say(@MessageBody() text: string): string {
    return text;
  }
}

@WebwireGateway(4000, { path: '/admin/v1', subProtocolName: 'admin', webSocketProtocols: ['a', 'b'] })
class AdminGateway {
  @WebwireRequest('say') say() {}
}

describe('the document', () => {
  it('has a channel for each path and a server for each port', async () => {
    const { document } = await documentOf(
      [ChatGateway, AdminGateway],
      { gateways: { AdminGateway: { tls } } },
      { url: 'wss://example.com/' },
    );
    expect(document.servers).toEqual({
      application: { host: 'example.com', protocol: 'wss' },
      port4000: { host: 'example.com:4000', protocol: 'wss' },
    });
    expect(document.channels).toMatchObject({
      chat: { address: '/chat', servers: [{ $ref: '#/servers/application' }], bindings: { ws: { method: 'GET' } } },
      'admin_v1-4000': {
        address: '/admin/v1',
        servers: [{ $ref: '#/servers/port4000' }],
        bindings: { ws: { headers: { properties: { 'Sec-WebSocket-Protocol': { enum: ['a', 'b'] } } } } },
        'x-webwire': { protocolVersion: '2.0', subProtocolName: 'admin' },
      },
    });
    expect(Object.keys(document.operations)).toEqual(['chat.request.say', 'admin_v1-4000.request.say']);
    expect(JSON.stringify(document)).not.toContain('PRIVATE KEY');
    expect(await complaints(document)).toEqual([]);
  });

  it('has the members of info', async () => {
    const { document } = await documentOf(
      [ChatGateway],
      {},
      { description: 'A test', info: { license: { name: 'MIT' } } },
    );
    expect(document.info).toEqual({
      title: 'Test',
      version: '1.0',
      description: 'A test',
      license: { name: 'MIT' },
    });
    expect(document.servers).toEqual({ application: { host: 'localhost:3000', protocol: 'ws' } });
  });

  it('does not depend on the order of gateways', async () => {
    const [one, other] = [await documentOf([ChatGateway, AdminGateway]), await documentOf([AdminGateway, ChatGateway])];
    expect(JSON.stringify(one.document)).toBe(JSON.stringify(other.document));
  });

  it('has messages without a name, and handlers of all other names', async () => {
    @WebwireGateway()
    class Gateway {
      @WebwireRequest() nameless() {}
      @WebwireRequest({ fallback: true }) others() {}
      @WebwireSignal('a b/c') odd() {}
    }
    const { document } = await documentOf([Gateway]);
    expect(Object.entries(document.operations).map(([key, operation]) => [key, operation['x-webwire']])).toEqual([
      ['request._', { kind: 'request', name: '' }],
      ['request._fallback', { kind: 'request' }],
      ['signal.a_b_c', { kind: 'signal', name: 'a b/c' }],
    ]);
    expect(await complaints(document)).toEqual([]);
  });

  it('says how bodies are encoded', async () => {
    const own: PayloadCodec = { ...jsonCodec };
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('plain') plain(@MessageBody() _text: string) {}
      @WebwireRequest('json', { codec: jsonCodec }) json(@MessageBody() _text: string) {}
      @WebwireRequest('own', { codec: own }) own(@MessageBody() _text: string) {}
    }
    const { document } = await documentOf([Gateway]);
    const types = ['plain', 'json', 'own'].map((name) => messageIn(document, `request.${name}`)?.contentType);
    expect(types).toEqual(['text/plain', 'application/json', 'application/octet-stream']);
  });

  it('describes an application with an adapter and no module', async () => {
    @Module({ providers: [ChatGateway] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false });
    onTestFinished(() => app.close());
    app.useWebSocketAdapter(new WebwireAdapter(app, { gateways: { ChatGateway: { path: '/moved' } } }));
    const { channels } = await createWebwireDocument(app, { title: 'Test', version: '1' });
    expect(Object.keys(channels)).toEqual(['moved']);
  });

  it('has the port at which the application listens', async () => {
    @Module({ providers: [ChatGateway] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false });
    onTestFinished(() => app.close());
    app.useWebSocketAdapter(new WebwireAdapter(app));
    await app.listen(0);
    const { servers } = await createWebwireDocument(app, { title: 'Test', version: '1' });
    expect(servers.application!.host).toBe(new URL(await app.getUrl()).host.replace('[::1]', 'localhost'));
  });

  it.each([
    [{ version: '1' }, 'title'],
    [{ title: 'a' }, 'version'],
    [{ title: 'a', version: '1', url: 'example.com' }, 'url'],
    [{ title: 'a', version: '1', license: {} }, 'license'],
  ])('is not made with the options %o', async (options, name) => {
    const { document: _, ...rest } = await documentOf([ChatGateway]);
    expect(rest.warnings).toEqual([]);
    await expect(documentOf([ChatGateway], {}, { title: undefined, version: undefined, ...options })).rejects.toThrow(
      `createWebwireDocument.${name}`,
    );
  });
});

it('the official parser, as these tests use it, finds errors in each document', async () => {
  const { document } = await documentOf([ChatGateway]);
  for (const version of [1, undefined]) {
    expect(
      await complaints({ ...document, info: { ...document.info, version: version as unknown as string } }),
    ).toEqual([expect.stringContaining('at info')]);
    expect(await complaints(document)).toEqual([]);
  }
});
