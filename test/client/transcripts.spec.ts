import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Payload, type WebwireClient } from 'nestjs-webwire/client';
import { decodeMessage, encodingOf, MessageType } from 'nestjs-webwire/protocol';
import {
  readAnsweredId,
  readRecording,
  recordingNames,
  type RecordedConnection,
} from '../e2e/transcripts/recording.js';
import { FakeServer, type FakeSocket } from './fake-server.js';
import { outcome } from './outcome.js';

/** In these transcripts, raw clients break the protocol, and the server closes the connection. This client cannot do that. */
const isConversation = (name: string) => !name.startsWith('malformed-');

/** Data of a connection that the client needs. */
const SUB_PROTOCOLS: Record<string, string> = { 'handshake-options': 'chat-v1' };

const CASES = recordingNames()
  .filter(isConversation)
  .flatMap((name) => readRecording(name).connections.map((connection) => ({ name, connection })))
  .filter(({ connection }) => connection.steps.some(({ dir, hex }) => dir === 's2c' && hex));

it('there are recordings', () => {
  expect(CASES.length).toBeGreaterThan(40);
});

it.each(CASES)('$name: $connection.client', async ({ name, connection }) => {
  const server = new FakeServer();
  const client = server.client({ subProtocolName: SUB_PROTOCOLS[name], reconnect: false });
  const connecting = client.connect();
  const socket = (await server.dialed()).open();
  socket.say(connection.steps[0]!.hex!);
  await connecting;
  await replay(client, socket, connection);
  expect(socket.received.rest).toEqual([]);
});

/** Makes the client send the recorded messages, expects the same bytes except for identifiers, and sends the recorded replies. */
async function replay(client: WebwireClient, socket: FakeSocket, { steps }: RecordedConnection): Promise<void> {
  const identifiers = new Map<string, string>();
  const outcomes = new Map<string, Promise<unknown>>();
  const signals: unknown[] = [];
  const tooLarge: Promise<unknown>[] = [];
  const messages: { sent: string; recorded: string }[] = [];
  client.onSignal((payload, name) => signals.push([name, payload.encoding, toHex(payload.bytes)]));
  for (const { dir, hex } of steps.slice(1)) {
    if (hex === undefined) {
      socket.end();
    } else if (dir === 'c2s') {
      const said = say(client, hex);
      if (!said) continue;
      if (hex.length > 2 * 4_096) {
        tooLarge.push(said);
        continue;
      }
      const sent = await socket.received.take();
      const id = readId(hex);
      messages.push({ sent: withoutId(sent), recorded: withoutId(hex) });
      if (id) identifiers.set(id, readId(sent));
      outcomes.set(id, said);
    } else {
      const recordedId = readAnsweredId(hex);
      const id = identifiers.get(recordedId ?? '');
      if (recordedId !== undefined && id === undefined) continue; // this client has not sent the request
      socket.say(id === undefined ? hex : hex.slice(0, 2) + id + hex.slice(18));
      if (recordedId !== undefined) await expectOutcome(hex, outcomes.get(recordedId)!);
      else expectTold(client, hex, signals);
    }
    await setImmediate();
  }
  expect(await Promise.all(tooLarge)).toEqual(tooLarge.map(() => expect.stringContaining('BUFFER_OVERFLOW')));
  expect(messages.map(({ sent }) => sent)).toEqual(messages.map(({ recorded }) => recorded));
  expect(await outcomes.get('')).toBeUndefined();
}

/** Returns the identifier of a request; an empty string for a signal. */
function readId(hex: string): string {
  return /^(3f|40|41)/.test(hex) ? '' : hex.slice(2, 18);
}

function withoutId(hex: string): string {
  return hex.slice(0, 2) + hex.slice(2 + readId(hex).length);
}

/** Returns `undefined` for a message that the client does not send. */
function say(client: WebwireClient, hex: string): Promise<unknown> | undefined {
  const message = decodeMessage(Buffer.from(hex, 'hex'));
  switch (message.type) {
    case MessageType.RequestBinary:
    case MessageType.RequestUtf8:
    case MessageType.RequestUtf16:
      return outcome(client.request(message.name, new Payload(encodingOf(message.type), message.payload)));
    case MessageType.SignalBinary:
    case MessageType.SignalUtf8:
    case MessageType.SignalUtf16:
      return outcome(client.signal(message.name, new Payload(encodingOf(message.type), message.payload)));
    case MessageType.RequestRestoreSession:
      return outcome(client.restoreSession(message.sessionKey));
    case MessageType.RequestCloseSession:
      return client.session ? outcome(client.closeSession()) : undefined;
    default:
      return undefined;
  }
}

async function expectOutcome(hex: string, settled: Promise<unknown>): Promise<void> {
  const message = decodeMessage(Buffer.from(hex, 'hex'));
  const result = await settled;
  if (message.type === MessageType.ReplyError) expect(result).toBe(`${message.code}: ${message.message}`);
  else if ('payload' in message) {
    const bytes =
      result === undefined ? '' : 'bytes' in (result as object) ? toHex((result as Payload).bytes) : undefined;
    if (bytes !== undefined) expect(bytes).toBe(toHex(message.payload));
    else
      expect(JSON.parse(Buffer.from(message.payload).toString())).toMatchObject({ k: (result as { key: string }).key });
  } else {
    expect(result).toMatch(
      ['', 'SERVER_SHUTDOWN', 'INTERNAL_SERVER_ERROR', 'SESSION_NOT_FOUND', 'MAX_SESSION_', 'SESSIONS_DISABLED'][
        message.type
      ]!,
    );
  }
}

function expectTold(client: WebwireClient, hex: string, signals: unknown[]): void {
  const message = decodeMessage(Buffer.from(hex, 'hex'));
  if (message.type === MessageType.SessionCreated) {
    expect(client.session?.info).toEqual({ user: 'secret', level: 7 });
  } else if (message.type === MessageType.SessionClosed) expect(client.session).toBeNull();
  else if ('name' in message) {
    expect(signals.at(-1)).toEqual([message.name, encodingOf(message.type), toHex(message.payload)]);
  }
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
