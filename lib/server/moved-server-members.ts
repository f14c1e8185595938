import { addMovedMembers, throwMoved, type MovedMembers } from './moved-members.js';

const BROADCAST = 'webwire.broadcast(name, body, { gateway }) of the WebwireService';
const TO_GROUP = 'webwire.signalGroup(group, name, body) of the WebwireService';
const CONNECTIONS = 'server.connections, or webwire.connections of the WebwireService';
const GUARDS = 'guards: @UseHandshakeGuards() for who may connect, @UseGuards() for messages';
const CLUSTER = 'the option cluster of WebwireModule, with which broadcast() reaches all nodes';

/** Members of servers in socket.io and ws that a `WebwireServer` does not have. */
const MOVED_SERVER_MEMBERS: MovedMembers = {
  methods: {
    emitWithAck: `${BROADCAST}, or let the clients make requests`,
    send: BROADCAST,
    write: BROADCAST,
    timeout: BROADCAST,
    compress: 'new WsTransport({ perMessageDeflate: true })',
    to: TO_GROUP,
    in: TO_GROUP,
    except: 'webwire.broadcast(name, body, { except }) of the WebwireService',
    of: 'the option path of a gateway, and @InjectWebwireServer(Gateway) for its server',
    use: GUARDS,
    fetchSockets: CONNECTIONS,
    allSockets: CONNECTIONS,
    socketsJoin: 'webwire.join(connection, group) of the WebwireService',
    socketsLeave: 'webwire.leave(connection, group) of the WebwireService',
    disconnectSockets: 'connection.close() for each of server.connections',
    serverSideEmit: CLUSTER,
    serverSideEmitWithAck: CLUSTER,
    adapter: CLUSTER,
    handleUpgrade: GUARDS,
    shouldHandle: GUARDS,
    close: 'server.shutdown(), which the end of the application calls itself',
  },
  objects: {
    sockets: `${CONNECTIONS}; for all of them ${BROADCAST}`,
    clients: `${CONNECTIONS}; for all of them ${BROADCAST}`,
    local: BROADCAST,
    volatile: BROADCAST,
    engine: 'the events of the server, such as server.on("refusal", …)',
    httpServer: 'app.getHttpServer()',
  },
  callbacks: {},
};

/** Events of servers in socket.io and ws that a `WebwireServer` does not have. */
const MOVED_SERVER_EVENTS: Readonly<Record<string, string>> = {
  connect: 'handleConnection(connection) of the gateway, or the event connection',
  disconnect: 'handleDisconnect(connection, reason) of the gateway, or the event disconnection',
  message: 'a method of the gateway with @WebwireSignal({ fallback: true })',
  headers: '@UseHandshakeGuards(), which get the upgrade request',
  new_namespace: 'the option path of a gateway',
};

/** Events that Node's EventEmitter emits itself. */
const EMITTER_EVENTS = new Set<unknown>(['newListener', 'removeListener']);

/**
 * Adds the members to the prototype of `WebwireServer`. `emit()` throws, as it sends to all clients in other libraries;
 * `on()` and the like throw for events of other libraries.
 */
export function addMovedServerMembers(prototype: object): void {
  addMovedMembers(prototype, 'server', MOVED_SERVER_MEMBERS);
  replace('emit', (event) => {
    if (!EMITTER_EVENTS.has(event)) throwMoved('server.emit()', BROADCAST);
  });
  for (const method of ['on', 'addListener', 'prependListener']) {
    replace(method, (event) => {
      if (Object.hasOwn(MOVED_SERVER_EVENTS, event))
        throwMoved(`event ${event} of the server`, MOVED_SERVER_EVENTS[event]!);
    });
  }

  function replace(name: string, assertAllowed: (event: string) => void): void {
    const method = (prototype as Record<string, Function>)[name]!;
    const value = function (this: unknown, ...args: [string, ...unknown[]]): unknown {
      assertAllowed(args[0]);
      return Reflect.apply(method, this, args);
    };
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}
