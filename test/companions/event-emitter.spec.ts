import { EventEmitter2 } from '@nestjs/event-emitter';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { expect, it, onTestFinished } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { describe } from '../support/wire-client.js';
import { ArticlesModule, type ArticlePublished } from './event-emitter.module.js';

@WebwireGateway()
class Gateway {
  constructor(private readonly webwire: WebwireService) {}
  @WebwireRequest('read') read(@MessageBody() section: string, @ConnectedSocket() connection: WebwireConnection) {
    this.webwire.join(connection, `section ${section}`);
  }
}

async function start() {
  const app = await TestApp.start({ imports: [ArticlesModule], providers: [Gateway] }, { sessions: false });
  onTestFinished(() => app.close());
  const emitter = app.get(EventEmitter2);
  const publish = (article: ArticlePublished) => emitter.emit('article.published', article);
  const reader = async (section: string) => {
    const client = await app.connect();
    await client.ask('read', section);
    return client;
  };
  return { app, emitter, publish, reader };
}

it('an event signals to the clients of a group, and to no others', async () => {
  const { publish, reader } = await start();
  const [first, second, other] = [await reader('sports'), await reader('sports'), await reader('arts')];
  publish({ section: 'sports', title: 'Goal' });
  publish({ section: 'arts', title: 'Opening' });
  expect(describe(await first.next())).toBe('signal published utf8 Goal');
  expect(describe(await second.next())).toBe('signal published utf8 Goal');
  expect(describe(await other.next())).toBe('signal published utf8 Opening');
});

it('an event without clients does nothing, and one that does not fit a signal is logged', async () => {
  const { app, publish, reader } = await start();
  publish({ section: 'sports', title: 'Nobody reads this' });
  const client = await reader('sports');
  publish({ section: 'sports', title: 'x'.repeat(10_000) });
  await app.logger.logged('error', 'messageBufferSize');
  publish({ section: 'sports', title: 'short' });
  expect(describe(await client.next())).toBe('signal published utf8 short');
});

it('events after the shutdown reach nobody', async () => {
  const { app, emitter, publish, reader } = await start();
  const client = await reader('sports');
  await app.close();
  await client.closed;
  expect(emitter.listenerCount('article.published')).toBe(0);
  expect(publish({ section: 'sports', title: 'late' })).toBe(false);
});
