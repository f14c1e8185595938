import type { INestApplicationContext, Type } from '@nestjs/common';
import {
  WebwireClient,
  type AnyContract,
  type ClientOptions,
  type Contract,
  type ContractOptions,
  type WebwireClientOptions,
} from '../client/index.js';
import { MemoryTransport, WebwireService, type MemoryConnectOptions, type WebwireServer } from '../index.js';

/** Options of a test client: those of `WebwireClient` and some more. The default of `reconnect` is `false`. */
export interface TestClientOptions extends Omit<ClientOptions, 'webSocket' | 'headers'> {
  /**
   * Gateway whose server to connect to. Required if the application has several servers.
   * @default the only server
   */
  gateway?: Type;
  /**
   * Headers of the upgrade request, which handshake guards and `connection.request` can read, or a function that returns them and
   * is called before each attempt to connect.
   * @default none
   */
  headers?: MemoryConnectOptions['headers'] | ClientOptions['headers'];
  /**
   * IP address of the client, or of the proxy whose report is in `headers`: `connection.remoteAddress`.
   * @default none
   */
  remoteAddress?: MemoryConnectOptions['remoteAddress'];
  /**
   * Query of the upgrade request, such as `'token=1'`.
   * @default none
   */
  query?: string;
}

/**
 * Makes a `WebwireClient` of an application under test. It connects in the same process, without a port. The application has to
 * be initialised (`await app.init()`), but need not listen. Call `connect()` first, because with `reconnect: false` a request
 * does not connect. `await app.close()` closes the connection, too.
 *
 * @throws Error if the application is not initialised, has no gateways, or has several servers and `gateway` is not set.
 * @throws InvalidOptionError for a gateway that is not in the application, and for an invalid option.
 * @example
 * const client = createTestClient(app);
 * await client.connect();
 * expect((await client.request('greet', 'Ada')).text()).toBe('Hello Ada!');
 */
export function createTestClient<Api extends Contract = AnyContract>(
  app: INestApplicationContext,
  {
    gateway,
    headers,
    remoteAddress,
    query = '',
    ...options
  }: TestClientOptions & Pick<WebwireClientOptions<Api>, keyof ContractOptions<Api> | 'onConnect'> = {},
): WebwireClient<Api> {
  const server = findServer(app, gateway);
  const transport = new MemoryTransport();
  const url = new URL(`ws://localhost${server.options.path}`);
  url.search = query;
  void transport.listen(server, {});
  const isFresh = typeof headers === 'function';
  const webSocket = webSocketWith(transport, { ...(!isFresh && { headers }), remoteAddress });
  return new WebwireClient<Api>(url.href, {
    reconnect: false,
    ...options,
    headers: isFresh ? headers : undefined,
    webSocket,
  });
}

function findServer(app: INestApplicationContext, gateway: Type | undefined): WebwireServer {
  const service = app.get(WebwireService, { strict: false });
  if (gateway) return service.serverOf(gateway);
  const servers = [...service.servers];
  const [server] = servers;
  if (!server) throw new Error('there is no WebWire server yet: call `await app.init()` first, and provide a gateway');
  if (servers.length > 1) {
    const paths = servers.map(({ options: { path } }) => path).join(', ');
    throw new Error(`there are several WebWire servers (paths: ${paths}): choose one with the option gateway`);
  }
  return server;
}

function webSocketWith({ webSocket: MemoryWebSocket }: MemoryTransport, options: MemoryConnectOptions) {
  return class extends MemoryWebSocket {
    /** @param fresh Has the headers of a function, if there is one. */
    constructor(url: string | URL, fresh: MemoryConnectOptions = {}) {
      super(url, [], { ...options, ...fresh });
    }
  };
}
