import { Module } from '@nestjs/common';
import { WebwireGateway, WebwireModule, type WebwireModuleOptions } from 'nestjs-webwire';
import { afterEach, describe, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';

@WebwireGateway()
class Gateway {}

const opened: TestApp[] = [];

async function start(...imports: NonNullable<Parameters<typeof Module>[0]['imports']>): Promise<TestApp> {
  const app = await TestApp.startWithout({ imports, providers: [Gateway] });
  opened.push(app);
  return app;
}

afterEach(async () => {
  for (const app of opened.splice(0)) await app.close();
});

describe('the options of WebwireModule', () => {
  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['production', "'production'"],
    [[{}], '[ {} ]'],
    [new Map(), 'Map(0) {}'],
    [() => ({}), '[Function'],
  ])('must be an object: an async factory that returns %o fails the start', async (options, shown) => {
    const starting = start(WebwireModule.forRootAsync({ useFactory: () => options as WebwireModuleOptions }));
    await expect(starting).rejects.toThrow(`WebwireModule got ${shown}`);
    await expect(starting).rejects.toThrow('let the factory of WebwireModule.forRootAsync() return an object, {} for');
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('must be an object: a factory class that returns nothing fails the start', async () => {
    class Factory {
      async createWebwireOptions(): Promise<WebwireModuleOptions> {
        return Promise.resolve(undefined as never);
      }
    }
    await expect(start(WebwireModule.forRootAsync({ useClass: Factory }))).rejects.toThrow(
      'WebwireModule got undefined',
    );
  });

  it('are missing where the class alone is imported', async () => {
    await expect(start(WebwireModule)).rejects.toThrow('import WebwireModule.forRoot(), not the class alone');
  });

  it('that a factory fails to make fail the start with its own error', async () => {
    const useFactory = () => Promise.reject(new Error('no configuration'));
    await expect(start(WebwireModule.forRootAsync({ useFactory }))).rejects.toThrow('no configuration');
  });

  it('are read once for each start', async () => {
    const reads: string[] = [];
    const options = new Proxy<WebwireModuleOptions>(
      { readTimeout: 5_000, gateways: { Gateway: { messageBufferSize: 64 } }, sessions: false },
      {
        get(target, name: keyof WebwireModuleOptions) {
          if (Object.hasOwn(target, name)) reads.push(name);
          return target[name];
        },
      },
    );
    await start(WebwireModule.forRootAsync({ useFactory: () => options }));
    expect(reads.toSorted()).toEqual(['gateways', 'readTimeout', 'sessions']);
  });
});

describe('WebwireModule', () => {
  it('imported twice fails the start, with the names of the modules that import it', async () => {
    @Module({ imports: [WebwireModule.forRoot({ readTimeout: 1 })] })
    class ChatModule {}
    @Module({ imports: [WebwireModule.forRootAsync({ useFactory: () => ({}) })] })
    class NewsModule {}
    await expect(start(ChatModule, NewsModule)).rejects.toThrow(
      'WebwireModule is imported twice, by ChatModule and NewsModule: import it once, in the root module; it is global',
    );
  });

  it('imported twice with the same options fails as well', async () => {
    await expect(start(WebwireModule.forRoot(), WebwireModule.forRoot())).rejects.toThrow(
      'WebwireModule is imported twice',
    );
  });
});
