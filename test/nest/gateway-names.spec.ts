import { Module, type Type } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  WebwireGateway,
  WebwireRequest,
  WebwireService,
  type Cluster,
  type ClusterTarget,
  type WebwireGatewayOptions,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { afterEach, describe, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { describe as show } from '../support/wire-client.js';

let app: TestApp | undefined;

async function start(providers: Type[], options: WebwireModuleOptions = {}): Promise<TestApp> {
  app = await TestApp.start({ providers }, options);
  return app;
}

afterEach(async () => {
  await app?.close();
  app = undefined;
});

/** A gateway whose class has the name `className`, as a class of another file may have. */
function gateway(className: string, options: WebwireGatewayOptions): Type {
  const { [className]: Gateway } = {
    [className]: class {
      hi() {
        return options.path;
      }
    },
  };
  const prototype = Gateway!.prototype as { hi(): unknown };
  WebwireRequest('hi')(prototype, 'hi', Object.getOwnPropertyDescriptor(prototype, 'hi')!);
  WebwireGateway(options)(Gateway!);
  return Gateway!;
}

/** A cluster that records the targets of published signals. */
function cluster(published: ClusterTarget[] = []): Cluster {
  return {
    places: {
      take: () => Promise.resolve('taken'),
      leave: () => Promise.resolve(),
      close: () => Promise.resolve(true),
      closeAll: () => Promise.resolve({ connections: 0, isLast: false }),
      closeUnheld: () => Promise.resolve(false),
      count: () => Promise.resolve(0),
    },
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    publish: (target) => void published.push(target),
    join() {},
    leave() {},
    synchronized: () => Promise.resolve(),
  };
}

describe('two gateways of one name', () => {
  it.each<[string, WebwireModuleOptions]>([
    ['alone', {}],
    ['with configuration', { gateways: { Gateway: { readTimeout: 1_000 } } }],
    ['in a cluster', { cluster: cluster() }],
  ])('fail at start, %s, with an error that names both', async (_how, options) => {
    const providers = [gateway('Gateway', { path: '/public' }), gateway('Gateway', { path: '/admin' })];
    const starting = start(providers, options);
    await expect(starting).rejects.toThrow(
      'two gateways are named "Gateway": that of RootTestModule (path /public, handlers hi)',
    );
    await expect(starting).rejects.toThrow(
      "(path /admin, handlers hi); give one of them another name: @WebwireGateway({ name: '…' })",
    );
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('fail with the names of their modules', async () => {
    @Module({ providers: [gateway('Gateway', { path: '/a' })] })
    class Shop {}
    @Module({ providers: [gateway('Gateway', { path: '/b' })] })
    class Office {}
    await expect(TestApp.start({ imports: [Shop, Office] })).rejects.toThrow(/that of Shop \(.* that of Office \(/);
  });

  it('fail when one is plain, or when a name equals that of a class', async () => {
    @WebSocketGateway({ path: '/plain' })
    class Chat {
      @SubscribeMessage('x') x() {}
    }
    await expect(start([Chat, gateway('Chat', { path: '/b' })])).rejects.toThrow('two gateways are named "Chat"');
    await expect(start([Chat, gateway('Other', { path: '/b', name: 'Chat' })])).rejects.toThrow('named "Chat"');
    const twins = [gateway('A', { path: '/a', name: 'x' }), gateway('B', { path: '/b', name: 'x' })];
    await expect(start(twins)).rejects.toThrow('two gateways are named "x"');
  });

  it('are served if a minifier shortened the names of their classes and the names are not used', async () => {
    await start([gateway('t', { path: '/a' }), gateway('t', { path: '/b' })]);
    expect(await (await app!.connect('/a')).ask('hi')).toBe('utf8 /a');
    expect(await (await app!.connect('/b')).ask('hi')).toBe('utf8 /b');
  });

  it.each<[string, WebwireModuleOptions]>([
    ['configuration', { gateways: { t: { readTimeout: 1_000 } } }],
    ['a cluster', { cluster: cluster() }],
  ])('fail when a minifier shortened the names and %s uses them', async (_user, options) => {
    const providers = [gateway('t', { path: '/a' }), gateway('t', { path: '/b' })];
    await expect(start(providers, options)).rejects.toThrow('two gateways are named "t"');
  });
});

describe('the option name', () => {
  it('distinguishes gateways with one class name in configuration', async () => {
    const [Public, Admin] = [
      gateway('Gateway', { path: '/public' }),
      gateway('Gateway', { path: '/admin', name: 'Admin' }),
    ];
    await start([Public, Admin], { gateways: { Gateway: { readTimeout: 1_000 }, Admin: { readTimeout: 2_000 } } });
    const service = app!.get(WebwireService);
    expect(service.serverOf(Public).options.readTimeout).toBe(1_000);
    expect(service.serverOf(Admin).options.readTimeout).toBe(2_000);
  });

  it('names the gateway to the other nodes of a cluster, and finds it when they name it', async () => {
    const published: ClusterTarget[] = [];
    const node = cluster(published);
    let receive: Parameters<Cluster['start']>[0]['receive'] = () => undefined;
    node.start = async (self) => {
      receive = self.receive.bind(self);
      return Promise.resolve();
    };
    const [Public, Admin] = [
      gateway('Gateway', { path: '/public' }),
      gateway('Gateway', { path: '/admin', name: 'Admin' }),
    ];
    await start([Public, Admin], { cluster: node, sessions: false });
    app!.get(WebwireService).broadcast('secret', 'x', { gateway: Admin });
    expect(published).toEqual([{ kind: 'all', gateway: 'Admin' }]);
    const client = await app!.connect('/admin');
    receive({ kind: 'all', gateway: 'Admin' }, Buffer.from('400173aa'.replace('73aa', '7378'), 'hex'), new Set());
    expect(show(await client.next())).toBe('signal s utf8 x');
  });

  it('is that of log lines and errors', async () => {
    await start([gateway('t', { path: '/a', name: 'News' })]);
    expect(app!.logger.at('log').join()).toContain('News subscribed to the "hi" request at /a');
    await app!.close();
    app = undefined;
    await expect(start([gateway('t', { name: 'News' })], { gateways: { t: {} } })).rejects.toThrow(
      'gateways.t is for a gateway that does not exist; the gateways are: News',
    );
  });

  it('must not be empty, and is for decorators only', async () => {
    await expect(start([gateway('Chat', { name: '' })])).rejects.toThrow(
      "Chat.name is '', but must be a string that is not empty",
    );
    await expect(start([gateway('Chat', {})], { name: 'x' } as never)).rejects.toThrow('has no option name');
    await expect(start([gateway('Chat', {})], { gateways: { Chat: { name: 'x' } as never } })).rejects.toThrow(
      'has no option gateways.Chat.name',
    );
  });

  it('is advised in a cluster where a minifier shortened the name of the class, and to configuration', async () => {
    await start([gateway('t', {})], { cluster: cluster() });
    expect(app!.logger.at('warn').join()).toContain('The gateway "t" seems to be named by a minifier');
    await app!.close();
    app = undefined;
    await expect(start([gateway('t', {})], { gateways: { AuthGateway: {} } })).rejects.toThrow(
      'the gateways are: t; where a minifier shortens names, use @WebwireGateway({ name })',
    );
  });
});
