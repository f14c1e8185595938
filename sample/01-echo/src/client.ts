/** A client of the echo server that uses a plain WebSocket and the codec. */
import { once } from 'node:events';
import { decodeMessage, encodeMessage, MessageType, Payload, type ServerMessage } from 'nestjs-webwire/protocol';
import { WebSocket } from 'ws';

const url = process.argv[2] ?? 'ws://localhost:3000';
const socket = new WebSocket(url);
const received: ServerMessage[] = [];
let wake = () => {};
socket.on('message', (bytes: Buffer) => {
  received.push(decodeMessage(bytes) as ServerMessage);
  wake();
});

async function next(): Promise<ServerMessage> {
  while (received.length === 0) await new Promise<void>((resolve) => (wake = resolve));
  return received.shift()!;
}

/** Shows a message of the server in a line. */
function show(message: ServerMessage): string {
  switch (message.type) {
    case MessageType.AcceptConf:
      return `server speaks WebWire ${message.majorVersion}.${message.minorVersion}, messages up to ${message.messageBufferSize} bytes`;
    case MessageType.ReplyUtf8:
      return `reply: ${new Payload('utf8', message.payload).text()}`;
    case MessageType.ReplyError:
      return `error: ${message.code}: ${message.message}`;
    case MessageType.SignalUtf8:
      return `signal: ${message.name}: ${new Payload('utf8', message.payload).text()}`;
    default:
      return `message of type ${message.type}`;
  }
}

let requests = 0;
async function request(name: string, body: Payload): Promise<void> {
  const id = new Uint8Array(8);
  new DataView(id.buffer).setUint32(0, ++requests, true);
  socket.send(encodeMessage({ type: MessageType.RequestUtf8, id, name, payload: body.bytes }));
  console.log(`${name} -> ${show(await next())}`);
}

await once(socket, 'open');
console.log(show(await next()));
await request('echo', Payload.utf8('Hello, WebWire!'));
await request('shout', Payload.utf8('is anybody there?'));
await request('greet', Payload.json({ name: 'Ada', language: 'en' }));
await request('greet', Payload.json({ name: '', language: 'fr' }));
await request('secret', Payload.utf8('please'));
socket.send(encodeMessage({ type: MessageType.SignalUtf8, name: 'ping', payload: Payload.utf8('now').bytes }));
console.log(`ping -> ${show(await next())}`);
socket.close();
await once(socket, 'close');
