// docs/platforms.md
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebwireGateway, WebwireModule, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import type { AddressInfo } from 'node:net';
import { createServer } from 'vite';
import { WebSocket as Ws } from 'ws';
import { serve } from './serve.js';
import vite from './vite-config.js';
import worker from './worker.js';

// block 1

@WebwireGateway({ path: '/chat' })
class ChatGateway {
  @WebwireRequest('whoami') whoami() {
    return 'Ada';
  }
  @WebwireRequest('rooms') rooms() {
    return 'lounge';
  }
}
{
  const app = await serve({ providers: [ChatGateway] });
  // As in a page.
  Object.assign(globalThis, { location: new URL('https://example.com/rooms/') });
  console.log((await client.request('whoami')).text(), 'by', client.url);
  Reflect.deleteProperty(globalThis, 'location');
  await client.close();
  console.log(await (await worker.fetch()).text());
  await app.close();
}

@Module({ imports: [WebwireModule.forRoot({ sessions: false })], providers: [ChatGateway] })
class ChatModule {}
{
  const app = await NestFactory.create(ChatModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const [path, proxy] = Object.entries(vite.server!.proxy!)[0] as [string, { target: string; ws: boolean }];
  const target = new URL(proxy.target);
  target.port = String((app.getHttpServer().address() as AddressInfo).port);
  const server = { host: '127.0.0.1', port: 0, hmr: false, proxy: { [path]: { ...proxy, target: target.href } } };
  const page = await createServer({
    configFile: false,
    logLevel: 'error',
    optimizeDeps: { noDiscovery: true },
    server,
  });
  await page.listen();
  const { port } = page.httpServer!.address() as AddressInfo;
  const proxied = new WebwireClient(`ws://127.0.0.1:${port}${path}`, { webSocket: Ws });
  console.log((await proxied.request('whoami')).text(), 'by the dev server');
  await proxied.close();
  await page.close();
  await app.close();
}

@Module({})
class AppModule {}
{
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  const names = () => process.eventNames().filter((name) => /^SIG/.test(String(name)));
  const before = names();
  // block 4
  await app.init();
  const added = names().filter((name) => !before.includes(name));
  console.log('signals:', added);
  await app.close();
  for (const name of added) process.removeAllListeners(name);
}

// Prints:
// Ada by wss://example.com/chat
// lounge
// Ada by the dev server
// signals: [ 'SIGINT', 'SIGTERM' ]
