import type { INestApplicationContext, Type } from '@nestjs/common';
import { WebwireClient, type AnyContract, type ClientOptions, type Contract } from '../client/index.js';
import { MemoryTransport, WebwireService, type MemoryConnectOptions, type WebwireServer } from '../index.js';

/** How a test client connects. Those of `WebwireClient`, except that it does not reconnect unless told to. */
export interface TestClientOptions extends Omit<ClientOptions, 'webSocket'> {
  /**
   * Whose server to connect to, where the application has several.
   * @default that of all gateways, if there is one only
   */
  gateway?: Type;
  /**
   * Headers of the upgrade request, for handshake guards and `connection.request`.
   * @default none
   */
  headers?: MemoryConnectOptions['headers'];
  /**
   * Query of the upgrade request, such as `'token=1'`.
   * @default none
   */
  query?: string;
}

/**
 * A real client of an application under test, in the same process: no port is opened. The application has to be
 * initialised (`await app.init()`); it need not listen. Connect first: a client that does not reconnect does not connect by
 * itself either. It ends with the application: `await app.close()`.
 *
 * @throws Error if the application is not initialised, has no gateways, or several servers and `gateway` does not say which;
 *   InvalidOptionError for a gateway that is not in it, and what `new WebwireClient()` throws.
 * @example
 * const client = createTestClient(app);
 * await client.connect();
 * expect((await client.request('greet', 'Ada')).text()).toBe('Hello Ada!');
 */
export function createTestClient<Api extends Contract = AnyContract>(
  app: INestApplicationContext,
  { gateway, headers, query = '', ...options }: TestClientOptions = {},
): WebwireClient<Api> {
  const server = findServer(app, gateway);
  const transport = new MemoryTransport();
  const url = new URL(`ws://localhost${server.options.path}`);
  url.search = query;
  void transport.listen(server, {});
  return new WebwireClient(url.href, { reconnect: false, ...options, webSocket: withHeaders(transport, headers) });
}

function findServer(app: INestApplicationContext, gateway: Type | undefined): WebwireServer {
  const service = app.get(WebwireService, { strict: false });
  if (gateway) return service.serverOf(gateway);
  const servers = [...service.servers];
  const [server] = servers;
  if (!server) throw new Error('there is no WebWire server yet: call `await app.init()` first, and have a gateway');
  if (servers.length > 1) {
    const paths = servers.map(({ options: { path } }) => path).join(', ');
    throw new Error(`there are several WebWire servers (paths: ${paths}): say which by the option gateway`);
  }
  return server;
}

function withHeaders({ webSocket: MemoryWebSocket }: MemoryTransport, headers: TestClientOptions['headers']) {
  return class extends MemoryWebSocket {
    constructor(url: string | URL) {
      super(url, [], { headers });
    }
  };
}
