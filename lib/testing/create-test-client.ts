import type { INestApplicationContext, Type } from '@nestjs/common';
import {
  InvalidOptionError,
  WebwireClient,
  type AnyContract,
  type ClientOptions,
  type Contract,
  type ContractOptions,
  type WebwireClientOptions,
} from '../client/index.js';
import { MemoryTransport, WebwireService, type MemoryConnectOptions, type WebwireServer } from '../index.js';
import { printIfTestFails, printRecords } from './failed-tests.js';
import { FrameRecord, linesOf, recordedWebSocket } from './frame-record.js';
import { Secrets } from './secrets.js';
import { queryString, type TestClientQuery } from './query.js';

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
   * Query of the upgrade request: a string such as `'token=1'`, an object such as `{ token: 1 }`, or a `URLSearchParams`. In an
   * object, `undefined` leaves a parameter out, and an array repeats it.
   * @default none
   */
  query?: TestClientQuery;
  /**
   * Records all messages of the client in both directions, for `recordedFrames()`.
   * @default `false`, or `true` if the environment variable `WEBWIRE_TRACE` is `1`. Then the record is also printed if the test fails.
   */
  recordFrames?: boolean;
}

/** Records by client. */
const records = new WeakMap<object, FrameRecord>();

const secretsByServer = new WeakMap<WebwireServer, Secrets>();

/**
 * Makes a `WebwireClient` of an application under test. It connects in the same process, without a port. The application has to
 * be initialised (`await app.init()`), but need not listen. Call `connect()` first, because with `reconnect: false` a request
 * does not connect. `await app.close()` closes the connection, too; a client that reconnects has to be closed itself.
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
    recordFrames = false,
    ...options
  }: TestClientOptions & Pick<WebwireClientOptions<Api>, keyof ContractOptions<Api> | 'onConnect'> = {},
): WebwireClient<Api> {
  const server = findServer(app, gateway);
  const transport = new MemoryTransport();
  const url = new URL(`ws://localhost${server.options.path}`);
  url.search = queryString(query);
  void transport.listen(server, {});
  const isFresh = typeof headers === 'function';
  if (!isFresh) checkHeaders(headers);
  const record = startRecord(server, recordFrames);
  const client = new WebwireClient<Api>(url.href, {
    reconnect: false,
    ...options,
    headers: isFresh ? headers : undefined,
    webSocket: webSocketWith(transport, { ...(!isFresh && { headers }), remoteAddress }, record),
  });
  if (record) records.set(client, record);
  return client;
}

/**
 * Returns the messages that a client of `createTestClient()` has sent and received so far, one line each: the time since the client
 * was made, in milliseconds, the direction (`→` sent, `←` received), the type, the number of the request, the name and the payload.
 * The last 1 000 lines are kept. Payloads are cut to 200 characters. Session keys are never contained, nor are the values of headers
 * and JSON members whose names are those of secrets, such as `password` or `token`, and the payloads of requests with such names.
 *
 * @throws Error if the client does not record: see the option `recordFrames`.
 * @example expect(reply.text(), recordedFrames(client).join('\n')).toBe('Hello Ada!');
 */
export function recordedFrames<Api extends Contract>(client: WebwireClient<Api>): string[] {
  const record = records.get(client);
  if (!record) {
    throw new Error(
      'this client records nothing: set WEBWIRE_TRACE=1, or pass recordFrames: true to createTestClient()',
    );
  }
  return linesOf([record]);
}

/** @throws InvalidOptionError whose message does not contain the values, which may be secrets. */
function checkHeaders(headers: unknown): void {
  const isText = (value: unknown) => value === undefined || [value].flat().every((text) => typeof text === 'string');
  // The headers of an instance of `Headers` are no properties of it, so none of them would be sent.
  const isValid = typeof headers === 'object' && headers !== null && !(Symbol.iterator in headers);
  if (headers === undefined || (isValid && Object.values(headers).every(isText))) return;
  throw new InvalidOptionError(
    `WebWire option headers is of type ${typeof headers}, but must be an object of strings or lists of strings, or a function`,
  );
}

function startRecord(server: WebwireServer, isRecorded: boolean): FrameRecord | undefined {
  if (typeof isRecorded !== 'boolean') {
    throw new InvalidOptionError(`WebWire option recordFrames is of type ${typeof isRecorded}, but must be a boolean`);
  }
  const isPrinted = process.env.WEBWIRE_TRACE === '1';
  if (!isPrinted && !isRecorded) return undefined;
  const secrets = secretsByServer.get(server) ?? new Secrets();
  secretsByServer.set(server, secrets);
  if (!isPrinted) return new FrameRecord(secrets);
  return new FrameRecord(secrets, (record, isEnd) => {
    if (printIfTestFails(record) || !isEnd) return;
    printRecords([record], 'WebWire messages of a connection:');
    record.clear();
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

function webSocketWith(transport: MemoryTransport, options: MemoryConnectOptions, record: FrameRecord | undefined) {
  const Socket = record ? recordedWebSocket(transport.webSocket, record) : transport.webSocket;
  return class extends Socket {
    /** @param fresh Has the headers of a function, if there is one. */
    constructor(url: string | URL, fresh: MemoryConnectOptions = {}) {
      super(url, [], { ...options, ...fresh });
    }
  };
}
