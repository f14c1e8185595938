import type { ConnectionRequest } from './ports/transport-connection.js';
import { addMovedMembers, addPartialObject, throwMoved, type MovedMembers } from './moved-members.js';

const SIGNAL = 'connection.signal(name, body)';
const TO_OTHERS = 'webwire.broadcast(name, body, { except: connection }) of the WebwireService';
const SIGNAL_GROUP = 'webwire.signalGroup(group, name, body) of the WebwireService';
const HANDLERS = 'a method of the gateway with @WebwireSignal(name) or @WebwireRequest(name)';
const HANDLERS_AND_HOOKS = `${HANDLERS}, or handleDisconnect(connection, reason)`;
const USE_CLOSE = 'await connection.close()';
const REQUEST = 'connection.request, the upgrade request: its url and headers';

/** Members of sockets in socket.io and ws that a `WebwireConnection` does not have. */
const MOVED_CONNECTION_MEMBERS: MovedMembers = {
  methods: {
    emitWithAck: `${SIGNAL}, or let the client make a request`,
    send: SIGNAL,
    write: SIGNAL,
    timeout: SIGNAL,
    compress: 'new WsTransport({ perMessageDeflate: true })',
    ping: 'the option readTimeout, after which the server ends silent connections',
    join: 'webwire.join(connection, group) of the WebwireService',
    leave: 'webwire.leave(connection, group) of the WebwireService',
    to: SIGNAL_GROUP,
    in: SIGNAL_GROUP,
    except: TO_OTHERS,
    disconnect: USE_CLOSE,
    use: `${HANDLERS} and guards, with @UseGuards()`,
    on: HANDLERS_AND_HOOKS,
    once: HANDLERS_AND_HOOKS,
    addListener: HANDLERS_AND_HOOKS,
    addEventListener: HANDLERS_AND_HOOKS,
    prependListener: HANDLERS_AND_HOOKS,
    off: HANDLERS_AND_HOOKS,
    removeListener: HANDLERS_AND_HOOKS,
    removeAllListeners: HANDLERS_AND_HOOKS,
    removeEventListener: HANDLERS_AND_HOOKS,
    onAny: '@WebwireSignal({ fallback: true }) or @WebwireRequest({ fallback: true })',
    onAnyOutgoing: 'your own function around connection.signal()',
  },
  objects: {
    broadcast: TO_OTHERS,
    volatile: SIGNAL,
    local: TO_OTHERS,
    conn: `${REQUEST}, and connection.ip`,
    client: `${REQUEST}, and connection.ip`,
    _socket: 'connection.ip, or connection.remoteAddress',
    data: 'connection.info',
    rooms: 'groups of the WebwireService: join(), leave(), signalGroup()',
    nsp: 'the option path of the gateway',
  },
  callbacks: {
    onmessage: HANDLERS,
    onclose: 'handleDisconnect(connection, reason) of the gateway',
    onerror: 'handleDisconnect(connection, reason) of the gateway',
    onopen: 'handleConnection(connection) of the gateway',
  },
};

/** Adds the members to the prototype of `WebwireConnection`. */
export function addMovedConnectionMembers(prototype: { readonly request: ConnectionRequest }): void {
  addMovedMembers(prototype, 'connection', MOVED_CONNECTION_MEMBERS);
  // Libraries such as nestjs-i18n read the headers there. They take an object with `raw` for a request of Fastify.
  for (const name of ['handshake', 'upgradeReq'])
    addPartialObject(prototype, 'connection', name, REQUEST, ({ request: { url, headers } }) => ({
      url,
      headers,
      raw: undefined,
    }));
  // Nest's base exception filter emits `exception`. It is ignored, as the reply to the request reports the failure.
  const emit = (event: unknown): boolean =>
    event !== 'exception' && throwMoved('connection.emit()', 'connection.signal(name, body)');
  Object.defineProperty(prototype, 'emit', { value: emit, writable: true, configurable: true });
}
