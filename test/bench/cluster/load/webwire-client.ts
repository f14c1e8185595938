import { once } from 'node:events';
import { encodeMessage, MessageType, Payload } from 'nestjs-webwire/protocol';
import { WebSocket } from 'ws';
import { TEXT, type LoadClient } from './client.js';

const payload = Payload.utf8(TEXT).bytes;
const id = new Uint8Array(8);
const JOIN = encodeMessage({ type: MessageType.RequestUtf8, id, name: 'join', payload });
const ECHO = encodeMessage({ type: MessageType.RequestUtf8, id, name: 'echo', payload });
const SAY = encodeMessage({ type: MessageType.SignalUtf8, name: 'say', payload });

export async function connectWebwire(port: number): Promise<LoadClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await once(socket, 'message');
  const client: LoadClient = {
    join: async () => {
      socket.send(JOIN);
      await once(socket, 'message');
      socket.on('message', () => client.onMessage());
    },
    say: () => socket.send(SAY),
    ask: () => socket.send(ECHO),
    onMessage: () => undefined,
    close: () => socket.terminate(),
  };
  return client;
}
