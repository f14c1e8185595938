/** A client of both servers that verifies their certificates. It uses plain WebSockets and the codec. */
import { on, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { decodeMessage, encodeMessage, MessageType, Payload, type ServerMessage } from 'nestjs-webwire/protocol';
import { WebSocket } from 'ws';

const [greeterUrl = 'wss://localhost:3000', adminUrl = 'wss://localhost:4000'] = process.argv.slice(2);

/** This authority is trusted instead of those of Node.js. A certificate of a public authority needs no `ca`. */
const ca = await readFile(process.env.CA_FILE ?? 'ca.pem');

async function connect(url: string) {
  const socket = new WebSocket(url, { ca });
  const messages = on(socket, 'message', { close: ['close'] });
  const next = async () => {
    const { value, done } = (await messages.next()) as IteratorResult<[Buffer], undefined>;
    if (done) throw new Error('the server closed the connection');
    return decodeMessage(value[0]) as ServerMessage;
  };
  await once(socket, 'open'); // rejects if the certificate is not valid
  await next(); // the settings of the server
  return {
    async request(name: string, body = '') {
      const id = new Uint8Array(8); // used for all requests, as there is only one at a time
      socket.send(encodeMessage({ type: MessageType.RequestUtf8, id, name, payload: Payload.utf8(body).bytes }));
      console.log(`${name} -> ${show(await next())}`);
    },
    close: () => socket.close(),
  };
}

/** Shows a message in a line. */
function show(message: ServerMessage): string {
  switch (message.type) {
    case MessageType.ReplyUtf8:
      return `reply: ${new Payload('utf8', message.payload).text()}`;
    case MessageType.ReplyError:
      return `error: ${message.code}: ${message.message}`;
    default:
      return `message of type ${message.type}`;
  }
}

const greeter = await connect(greeterUrl);
const admin = await connect(adminUrl);
await greeter.request('greet', 'Ada');
await admin.request('count');
greeter.close();
admin.close();
