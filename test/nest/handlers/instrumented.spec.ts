import { Injectable, Module, Scope, SetMetadata, UseGuards, type ExecutionContext } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import {
  UseHandshakeGuards,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  WebwireStream,
} from 'nestjs-webwire';
import type { AddressInfo } from 'node:net';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { isNestSince, WITHOUT_INSTRUMENT } from '../../support/nest-version.js';
import { RecordingLogger } from '../../support/test-app.js';
import { WireClient, describe } from '../../support/wire-client.js';

/** The methods of providers that were called. */
const called: string[] = [];

/** As libraries for observability do it: each method runs on the proxied object, which has the private members. */
function instanceDecorator<Instance>(instance: Instance): Instance {
  if (typeof instance !== 'object' || !instance || !(instance instanceof Instrumented)) return instance;
  return new Proxy(instance, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || name === 'constructor') return value;
      return (...args: unknown[]): unknown => {
        called.push(`${target.constructor.name}.${String(name)}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

class Instrumented {}

@Injectable()
class HandshakeGuard extends Instrumented {
  readonly #allows = true;
  canActivate() {
    return this.#allows;
  }
}

@Injectable()
class RolesGuard extends Instrumented {
  readonly #role = 'admin';
  constructor(private readonly reflector: Reflector) {
    super();
  }
  canActivate(context: ExecutionContext) {
    return this.reflector.get<string>('role', context.getHandler()) === this.#role;
  }
}

const Role = (role: string) => SetMetadata('role', role);

@UseHandshakeGuards(HandshakeGuard)
@WebwireGateway()
class Gateway extends Instrumented {
  @WebSocketServer() server!: WebwireServer;
  readonly #suffix = '!';

  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return `${body}${this.#suffix} ${this.server.connections.size}`;
  }
  @Role('admin') @UseGuards(RolesGuard) @WebwireRequest('guarded') guarded(@MessageBody() body: string) {
    return `${body}${this.#suffix}`;
  }
  @Role('user') @UseGuards(RolesGuard) @WebwireRequest('forbidden') forbidden() {}
  @WebwireSignal('note') note(@MessageBody() body: string) {
    for (const connection of this.server.connections) connection.signal('noted', `${body}${this.#suffix}`);
  }
  @WebwireStream('items') async *items() {
    yield this.#suffix;
  }
  handleConnection() {
    called.push(this.#suffix);
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerMessage {}

@WebwireGateway()
class Scoped extends Instrumented {
  readonly #suffix = '?';
  constructor(readonly _dependency: PerMessage) {
    super();
  }
  @Role('admin') @UseGuards(RolesGuard) @WebwireRequest('scoped') scoped(@MessageBody() body: string) {
    return `${body}${this.#suffix}`;
  }
}

@WebSocketGateway()
class Plain extends Instrumented {
  readonly #suffix = '.';
  @SubscribeMessage('plain') plain(@MessageBody() body: string) {
    return `${body}${this.#suffix}`;
  }
}

@Module({ imports: [WebwireModule.forRoot({ sessions: false })], providers: [Gateway, Scoped, Plain, PerMessage] })
class AppModule {}

async function start() {
  const logger = new RecordingLogger();
  const app = await NestFactory.create(AppModule, { logger, instrument: { instanceDecorator } });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const client = await WireClient.connect(`ws://127.0.0.1:${port}/`);
  onTestFinished(() => client.socket.terminate());
  return client;
}

beforeEach(({ skip }) => {
  skip(!isNestSince('11.1.4'), WITHOUT_INSTRUMENT);
  called.length = 0;
});

it('handlers of instrumented gateways are called through the instrumentation, with their private members', async () => {
  const client = await start();
  expect(await client.ask('echo', 'x')).toBe('utf8 x! 1');
  expect(await client.ask('plain', 'x')).toBe('utf8 x.');
  expect(await client.ask('scoped', 'x')).toBe('utf8 x?');
  client.signal('note', 'x');
  expect(describe(await client.next())).toBe('signal noted utf8 x!');
  await client.ask('wwr:extensions', '{"extensions":["stream"]}');
  client.send('items');
  expect(describe(await client.next())).toContain('utf8 !');
  expect(called).toEqual(
    expect.arrayContaining(['Gateway.echo', 'Plain.plain', 'Scoped.scoped', 'Gateway.note', 'Gateway.items']),
  );
});

it('guards of instrumented gateways are instrumented, too, and find the metadata of the handler', async () => {
  const client = await start();
  expect(called).toEqual(expect.arrayContaining(['HandshakeGuard.canActivate', 'Gateway.handleConnection', '!']));
  expect(await client.ask('guarded', 'x')).toBe('utf8 x!');
  expect(await client.ask('forbidden')).toBe('error FORBIDDEN: Forbidden resource');
  expect(called.filter((method) => method === 'RolesGuard.canActivate')).toHaveLength(2);
  expect(called).toContain('Gateway.guarded');
  expect(called).not.toContain('Gateway.forbidden');
});
