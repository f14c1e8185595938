import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import type { Exchange } from '../exchanges.js';
import { clientFrame } from './frames.js';

/** Equal messages that one connection gets from one or several sources: signals, or the items of streams. */
export interface Source {
  /** One of the messages. */
  readonly message: Uint8Array;
  /** For each source, the frame that requests more of its messages. */
  readonly more: readonly Buffer[];
  /** Index of the source of a message. @param start The first byte of its frame. */
  readonly indexOf: (bytes: Uint8Array, start: number) => number;
}

interface Streams extends Source {
  /** Frame of the request for the extension "stream". */
  readonly question: Buffer;
  /** Frames of the requests that open the streams. */
  readonly open: Buffer;
}

/** Bytes before the identifier in the frame of an item: header(2) · type · length of the name · `wwr:item:`. */
const IDENTIFIER_START = 2 + 1 + 1 + 'wwr:item:'.length;

/** Signals that the server sends for each `go`. */
export function goAhead({ go, news, isText }: Exchange): Source {
  return { message: news, more: [clientFrame(go, isText)], indexOf: () => 0 };
}

/**
 * Streams of one connection, as docs/PROTOCOL.md, section 11.2, describes them.
 * @param count At most 256: the first two of the 16 digits of their identifiers are their numbers.
 * @param batch Number of items in one grant.
 */
export function openStreams(name: string, content: string, count: number, batch: number): Streams {
  const ids = Array.from({ length: count }, (_, index) => Uint8Array.of(index, 1, 0, 0, 0, 0, 0, 0));
  const digits = (id: Uint8Array) => Buffer.from(id).toString('hex');
  const frame = (message: Parameters<typeof encodeMessage>[0]) => clientFrame(encodeMessage(message), false);
  return {
    question: frame({
      type: MessageType.RequestUtf8,
      id: new Uint8Array(8),
      name: 'wwr:extensions',
      payload: Buffer.from('{"client":"bench","extensions":["stream","cancel"]}'),
    }),
    open: Buffer.concat(ids.map((id) => frame({ type: MessageType.RequestBinary, id, name }))),
    message: encodeMessage({
      type: MessageType.SignalUtf8,
      name: `wwr:item:${digits(ids[0]!)}`,
      payload: Buffer.from(content),
    }),
    more: ids.map((id) =>
      frame({
        type: MessageType.SignalUtf8,
        name: `wwr:more:${digits(id)}`,
        payload: Buffer.from(String(batch)),
      }),
    ),
    indexOf: (bytes, start) =>
      digit(bytes[start + IDENTIFIER_START]!) * 16 + digit(bytes[start + IDENTIFIER_START + 1]!),
  };
}

/** The value of a lower-case hexadecimal digit. */
function digit(character: number): number {
  return character < 0x60 ? character - 0x30 : character - 0x57;
}
