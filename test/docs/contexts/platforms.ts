// docs/platforms.md
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

// block 1

@WebwireGateway({ path: '/chat' })
class ChatGateway {
  @WebwireRequest('whoami') whoami() {
    return 'Ada';
  }
}
{
  const app = await serve({ providers: [ChatGateway] });
  // As in a page.
  Object.assign(globalThis, { location: new URL('https://example.com/rooms/') });
  console.log((await client.request('whoami')).text(), 'by', client.url);
  Reflect.deleteProperty(globalThis, 'location');
  await client.close();
  await app.close();
}

@Module({})
class AppModule {}
{
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  const names = () => process.eventNames().filter((name) => /^SIG/.test(String(name)));
  const before = names();
  // block 2
  await app.init();
  const added = names().filter((name) => !before.includes(name));
  console.log('signals:', added);
  await app.close();
  for (const name of added) process.removeAllListeners(name);
}

// Prints:
// Ada by wss://example.com/chat
// signals: [ 'SIGINT', 'SIGTERM' ]
