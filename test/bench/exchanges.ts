import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';

/** One request and its reply as WebSocket messages: all that a load generator has to know of a protocol. */
export interface Exchange {
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
  /** Whether messages are text frames; binary otherwise. */
  readonly isText: boolean;
  /** Whether the server speaks first. */
  readonly isGreeted: boolean;
}

/** What every contender echoes: 32 bytes, as text 32 characters. */
const PAYLOAD = Buffer.from('0123456789abcdefghijklmnopqrstuv');

const ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** Bytes there, the same bytes back. */
export const PLAIN: Exchange = { request: PAYLOAD, reply: PAYLOAD, isText: false, isGreeted: false };

export const WEBWIRE_BINARY: Exchange = {
  request: encodeMessage({ type: MessageType.RequestBinary, id: ID, name: 'echo', payload: PAYLOAD }),
  reply: encodeMessage({ type: MessageType.ReplyBinary, id: ID, payload: PAYLOAD }),
  isText: false,
  isGreeted: true,
};

export const WEBWIRE_TEXT: Exchange = {
  request: encodeMessage({ type: MessageType.RequestUtf8, id: ID, name: 'echo', payload: PAYLOAD }),
  reply: encodeMessage({ type: MessageType.ReplyUtf8, id: ID, payload: PAYLOAD }),
  isText: false,
  isGreeted: true,
};

const EVENT = Buffer.from(JSON.stringify({ event: 'echo', data: PAYLOAD.toString() }));

/** What `@nestjs/platform-ws` speaks. */
export const NEST_EVENT: Exchange = { request: EVENT, reply: EVENT, isText: true, isGreeted: false };
