/** Signs in, connects again, restores the session by its key, and signs out. It uses a plain WebSocket and the codec. */
import { on, once } from 'node:events';
import { decodeMessage, encodeMessage, MessageType, Payload, type ServerMessage } from 'nestjs-webwire/protocol';
import { WebSocket } from 'ws';

const url = process.argv[2] ?? 'ws://localhost:3000';
const id = new Uint8Array(8); // used for all requests, as there is only one at a time

async function connect() {
  const socket = new WebSocket(url);
  const messages = on(socket, 'message', { close: ['close'] });
  const next = async () => {
    const { value, done } = (await messages.next()) as IteratorResult<[Buffer], undefined>;
    if (done) throw new Error('the server closed the connection');
    return decodeMessage(value[0]) as ServerMessage;
  };
  await once(socket, 'open');
  await next(); // the settings of the server
  return {
    next,
    request(name: string, body = '') {
      socket.send(encodeMessage({ type: MessageType.RequestUtf8, id, name, payload: Payload.utf8(body).bytes }));
      return next();
    },
    restoreSession(sessionKey: string) {
      socket.send(encodeMessage({ type: MessageType.RequestRestoreSession, id, sessionKey }));
      return next();
    },
    close: () => socket.close(),
  };
}

/** A session: key, time of creation, time of the last lookup, and the info that the gateway stores. */
interface Session {
  k: string;
  c: string;
  l: string;
  i?: { user: string };
}

/** Reads the session from a message. */
function sessionIn(message: ServerMessage): Session {
  if (message.type === MessageType.SessionCreated) return new Payload('utf8', message.session).json<Session>();
  if (message.type === MessageType.ReplyUtf8) return new Payload('utf8', message.payload).json<Session>();
  throw new Error(show(message));
}

/** Shows a message in a line. */
function show(message: ServerMessage): string {
  switch (message.type) {
    case MessageType.ReplyUtf8:
      return `reply: ${new Payload('utf8', message.payload).text()}`;
    case MessageType.ReplyError:
      return `error: ${message.code}: ${message.message}`;
    case MessageType.ReplySessionNotFound:
      return 'there is no such session';
    case MessageType.SessionClosed:
      return 'session closed';
    default:
      return `message of type ${message.type}`;
  }
}

const first = await connect();
console.log(`auth -> ${show(await first.request('auth', 'ada:wrong'))}`);
const created = sessionIn(await first.request('auth', 'ada:engine'));
await first.next(); // the reply comes after the session
console.log(
  `auth -> session of ${created.i?.user}, created ${created.c}, with a key of ${created.k.length} characters`,
);
first.close();

const second = await connect();
console.log(`new connection: whoami -> ${show(await second.request('whoami'))}`);
const restored = sessionIn(await second.restoreSession(created.k));
console.log(`restore -> session of ${restored.i?.user}, created ${restored.c}, last looked up ${restored.l}`);
console.log(`whoami -> ${show(await second.request('whoami'))}`);
console.log(`logout -> ${show(await second.request('logout'))}`);
await second.next(); // the reply comes after the session
console.log(`restore -> ${show(await second.restoreSession(created.k))}`);
second.close();
