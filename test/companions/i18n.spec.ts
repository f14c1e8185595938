import { Controller, Get, Injectable } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { I18n, I18nContext, I18nLang } from 'nestjs-i18n';
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireStream } from 'nestjs-webwire';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { describe, WireClient } from '../support/wire-client.js';
import { LanguageModule } from './i18n.module.js';

@Injectable()
class Greeter {
  greet(name: string): string {
    return I18nContext.current()!.t('greeting.hello', { args: { name } });
  }
}

@WebwireGateway()
class Gateway {
  constructor(private readonly greeter: Greeter) {}
  @WebwireRequest('parameter') parameter(@MessageBody() name: string, @I18n() i18n: I18nContext) {
    return i18n.t('greeting.hello', { args: { name } });
  }
  @WebwireRequest('service') async service(@MessageBody() name: string) {
    await nextTurn();
    return this.greeter.greet(name);
  }
  @WebwireStream('stream') async *stream(@MessageBody() name: string) {
    yield this.greeter.greet(name);
    await nextTurn();
    yield this.greeter.greet(name);
  }
  @WebwireRequest('language') language(@I18nLang() language: string) {
    return language;
  }
  @WebwireRequest('missing') missing(@I18n() i18n: I18nContext) {
    return i18n.t('greeting.missing');
  }
  @WebwireRequest('connection') connection(@ConnectedSocket() connection: WebwireConnection) {
    return connection.id;
  }
}

@Controller()
class PageController {
  constructor(private readonly greeter: Greeter) {}
  @Get('page') page() {
    return this.greeter.greet('page');
  }
}

async function start() {
  const metadata = { imports: [LanguageModule], providers: [Greeter, Gateway], controllers: [PageController] };
  const app = await TestApp.start(metadata, { sessions: false });
  onTestFinished(() => app.close());
  const connect = async (language: string | undefined, query = '') => {
    const headers: Record<string, string> = language === undefined ? {} : { 'accept-language': language };
    const client = await WireClient.connect(app.url(`/${query}`), { headers });
    onTestFinished(() => client.socket.terminate());
    return client;
  };
  return { app, connect };
}

it.for([
  ['de', '', 'Hallo'],
  ['de-AT', '', 'Hallo'],
  ['de-AT, en;q=0.5', '', 'Hello'], // "en" fits exactly
  ['fr, de;q=0.5', '', 'Hallo'],
  ['fr', '', 'Hello'],
  ['*', '', 'Hello'],
  [undefined, '', 'Hello'],
  [undefined, '?lang=de', 'Hallo'],
  ['de', '?lang=en', 'Hello'],
  ['de', '?lang=xx', 'Hallo'],
  [undefined, '?lang=xx', 'Hello'],
  [undefined, '?lang=', 'Hello'],
  [undefined, '?lang=__proto__', 'Hello'],
  [undefined, '?language=de', 'Hello'],
] as const)(
  'a client with Accept-Language %j and the query %j is greeted with %j',
  async ([header, query, greeting]) => {
    const { connect } = await start();
    const client = await connect(header, query);
    expect(await client.ask('parameter', 'Ada')).toBe(`utf8 ${greeting} Ada!`);
    expect(await client.ask('service', 'Ada')).toBe(`utf8 ${greeting} Ada!`);
    expect(await client.ask('language')).toBe(greeting === 'Hallo' ? 'utf8 de' : 'utf8 en');
  },
);

it('services get the language of the connection in each of its messages', async () => {
  const { connect } = await start();
  const [german, english] = [await connect('de'), await connect('en')];
  for (let n = 0; n < 3; n++) {
    german.send('service', 'Ada');
    english.send('service', 'Ada');
    german.send('service', 'Bob');
    expect(describe(await german.next())).toBe('utf8 Hallo Ada!');
    expect(describe(await german.next())).toBe('utf8 Hallo Bob!');
    expect(describe(await english.next())).toBe('utf8 Hello Ada!');
  }
});

it('services get the language between the items of a stream', async () => {
  const { connect } = await start();
  const client = await connect('de');
  await client.ask('wwr:extensions', '{"extensions":["stream"]}');
  for (let n = 0; n < 2; n++) {
    client.send('stream', 'Ada');
    const items = [describe(await client.next()), describe(await client.next()), describe(await client.next())];
    expect(items.filter((item) => item.endsWith('Hallo Ada!'))).toHaveLength(2);
  }
});

it('a text that no language has is its own key', async () => {
  const { connect } = await start();
  expect(await (await connect('de')).ask('missing')).toBe('utf8 greeting.missing');
});

it('HTTP requests have their own language', async () => {
  const { app } = await start();
  const page = async (language: string) => {
    const response = await fetch(`http://127.0.0.1:${app.port}/page`, { headers: { 'accept-language': language } });
    return response.text();
  };
  expect(await page('de')).toBe('Hallo page!');
  expect(await page('fr')).toBe('Hello page!');
});
