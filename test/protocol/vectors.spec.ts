import { readFileSync } from 'node:fs';
import {
  decodeMessage,
  encodeMessage,
  encodingOf,
  MessageType,
  ProtocolError,
  replyType,
  requestType,
  signalType,
  type EncodableMessage,
  type PayloadEncoding,
  type ProtocolErrorCode,
  type ProtocolMessage,
} from 'nestjs-webwire/protocol';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from './hex.js';

// Results of the reference's parser and writers for bytes and arguments. Bytes are hexadecimal digits.

interface ParserVector {
  about: string;
  hex: string;
  ok: boolean;
  typeParsed: boolean;
  type?: number;
  id?: string;
  name?: string;
  payload?: string;
  encoding?: PayloadEncoding;
  major?: number;
  minor?: number;
  readTimeoutMs?: number;
  messageBufferSize?: number;
  subProtocolName?: string;
}

interface WriterVector {
  about: string;
  message: string;
  ok: boolean;
  hex?: string;
  args: {
    encoding?: PayloadEncoding;
    type?: number;
    id?: string;
    name?: string;
    payload?: string;
    code?: string;
    message?: string;
    sessionInfo?: string;
    major?: number;
    minor?: number;
    readTimeoutMs?: number;
    messageBufferSize?: number;
    subProtocolName?: string;
  };
}

const read = <Vector>(file: string): Vector[] =>
  JSON.parse(readFileSync(new URL(`../fixtures/vectors/${file}`, import.meta.url), 'utf8'));

const PARSER_BUFFER_SIZE = 8_192;

// Intentional differences from the reference (docs/PROTOCOL.md, section 2): the expected result by the name of the vector.

const PARSER_EXCEPTIONS: Record<string, ProtocolErrorCode | { name: string }> = {
  // A name, code or session key with a byte outside 32-126 is a violation.
  'request 127: name with control bytes (parser does not check characters)': 'INVALID_CHARACTER',
  'request 127: name with bytes above 126 (utf8 cyrillic)': 'INVALID_CHARACTER',
  'request 127: name contains NUL': 'INVALID_CHARACTER',
  'request 128: name with control bytes (parser does not check characters)': 'INVALID_CHARACTER',
  'request 128: name contains NUL': 'INVALID_CHARACTER',
  'request 129: name with control bytes (parser does not check characters)': 'INVALID_CHARACTER',
  'request 129: name with bytes above 126 (utf8 cyrillic)': 'INVALID_CHARACTER',
  'request 129: name contains NUL': 'INVALID_CHARACTER',
  'type 63: type byte + 7 bytes (one short of a full identifier)': 'INVALID_CHARACTER',
  'type 63: type byte + 8 byte identifier and nothing else': 'INVALID_CHARACTER',
  'type 64: type byte + 7 bytes (one short of a full identifier)': 'INVALID_CHARACTER',
  'type 64: type byte + 8 byte identifier and nothing else': 'INVALID_CHARACTER',
  'type 64: type byte + 8 byte identifier + one zero byte': 'INVALID_CHARACTER',
  'type 65: type byte + 7 bytes (one short of a full identifier)': 'INVALID_CHARACTER',
  'error reply: code with bytes outside 32..126 (parser does not check)': 'INVALID_CHARACTER',
  'restore session: key with non-ascii bytes (parser does not check)': 'INVALID_CHARACTER',
  // A UTF-16 signal with a name alone is accepted.
  'signal 65: name length 1, name only, as the writer would emit it': { name: '61' },
  'signal 65: name length 2, name only, as the writer would emit it': { name: '6162' },
  'signal 65: name length 3, name only, as the writer would emit it': { name: '616263' },
  'signal 65: name length 254, name only, as the writer would emit it': { name: alphabet(254) },
  'signal 65: name length 255, name only, as the writer would emit it': { name: alphabet(255) },
};

const WRITER_EXCEPTIONS: Record<string, ProtocolErrorCode | { hex: string }> = {
  // Never write what a parser must refuse.
  'request: name char 31 written when not': 'INVALID_CHARACTER',
  'signal: name char 127 written when not': 'INVALID_CHARACTER',
  'signal: missing name and payload, binary (the writer does not refuse it)': 'EMPTY_FIELD',
  'signal: missing name and payload, utf8 (the writer does not refuse it)': 'EMPTY_FIELD',
  'errorReply: missing error code written when not': 'EMPTY_FIELD',
  'sessionCreated: session created, empty object text (not refused; the parser refuses the 1 byte message)':
    'EMPTY_FIELD',
  'sessionRequest: close session with payload (not refused by the writer, refused by the parser)': {
    hex: '1f0100000000000000',
  },
  // A UTF-16 signal with a name alone is written as UTF-8.
  'signal: even name only, utf16 (the parser refuses this for utf16)': { hex: '40046e616d65' },
  'signal: odd name only, utf16 (the parser refuses this for utf16)': { hex: '4003616263' },
  // The smallest message buffer is 32 bytes.
  'acceptConf: other version': 'INVALID_FIELD',
  // The reference writes replies elsewhere; here one function writes them all, and an empty reply is a message.
  'specialReply: special reply type 191': { hex: 'bfefcdab8967452301' },
};

/** Repeats the letters from a to z, as hexadecimal digits. */
function alphabet(length: number): string {
  return toHex(Uint8Array.from({ length }, (_, index) => 0x61 + (index % 26)));
}

function outcomeOf<Value>(run: () => Value): { value: Value } | { code: ProtocolErrorCode } {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code };
    throw error;
  }
}

const hexOfText = (text: string) => toHex(new TextEncoder().encode(text));
const textOfHex = (hex = '') => new TextDecoder().decode(fromHex(hex));

/** Converts a message to the form of the parser vectors, in which absent and empty are the same. */
function describeMessage(message: ProtocolMessage): Record<string, unknown> {
  const { type } = message;
  const id = 'id' in message ? toHex(message.id) : '';
  if (type === MessageType.AcceptConf) {
    return {
      type,
      major: message.majorVersion,
      minor: message.minorVersion,
      readTimeoutMs: message.readTimeout,
      messageBufferSize: message.messageBufferSize,
      subProtocolName: hexOfText(message.subProtocolName),
    };
  }
  if (type === MessageType.ReplyError) {
    return { type, id, name: hexOfText(message.code), payload: hexOfText(message.message) };
  }
  if (type === MessageType.SessionCreated) return { type, payload: toHex(message.session) };
  if (type === MessageType.RequestRestoreSession) return { type, id, payload: hexOfText(message.sessionKey) };
  return {
    type,
    id,
    name: 'name' in message ? hexOfText(message.name) : '',
    payload: 'payload' in message ? toHex(message.payload) : '',
    encoding: 'payload' in message ? encodingOf(message.type) : '',
  };
}

function withoutEmpty(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '' && value !== undefined));
}

/** Converts the reference's result of a vector to the same form. */
function expectedOf({ about: _about, hex: _hex, ok: _ok, typeParsed: _parsed, ...fields }: ParserVector) {
  // The reference treats error replies and sessions as binary payloads; here they have fields.
  const hasEncoding = fields.type !== undefined && fields.type > MessageType.Heartbeat;
  return withoutEmpty({ ...fields, encoding: hasEncoding ? fields.encoding : undefined });
}

function toEncode({ message, args }: WriterVector): EncodableMessage {
  const encoding = args.encoding ?? 'binary';
  const id = fromHex(args.id ?? '');
  const name = textOfHex(args.name);
  const payload = fromHex(args.payload ?? '');
  switch (message) {
    case 'request':
      return { type: requestType(encoding), id, name, payload };
    case 'signal':
      return { type: signalType(encoding), name, payload };
    case 'reply':
      return { type: replyType(encoding), id, payload };
    case 'errorReply':
      return { type: MessageType.ReplyError, id, code: textOfHex(args.code), message: textOfHex(args.message) };
    case 'sessionCreated':
      return { type: MessageType.SessionCreated, session: fromHex(args.sessionInfo ?? '') };
    case 'sessionClosed':
      return { type: MessageType.SessionClosed };
    case 'heartbeat':
      return { type: MessageType.Heartbeat };
    case 'specialReply':
      return { type: args.type as never, id };
    case 'sessionRequest':
      return { type: args.type as never, id, sessionKey: textOfHex(args.payload) };
    case 'acceptConf':
      return {
        type: MessageType.AcceptConf,
        majorVersion: args.major ?? 0,
        minorVersion: args.minor ?? 0,
        readTimeout: args.readTimeoutMs ?? 0,
        messageBufferSize: args.messageBufferSize ?? 0,
        subProtocolName: textOfHex(args.subProtocolName),
      };
    default:
      throw new Error(`a vector for ${message}, which this test does not know`);
  }
}

describe('parser vectors', () => {
  const vectors = read<ParserVector>('parser-vectors.json');
  const isException = ({ about }: ParserVector) => Object.hasOwn(PARSER_EXCEPTIONS, about);

  const ours = (vector: ParserVector) =>
    outcomeOf(() => withoutEmpty(describeMessage(decodeMessage(fromHex(vector.hex), PARSER_BUFFER_SIZE))));
  const reference = (vector: ParserVector) =>
    vector.ok ? { value: expectedOf(vector) } : { code: expect.any(String) };

  it.each(vectors.filter((vector) => !isException(vector)))('$about', (vector) => {
    expect(ours(vector)).toEqual(reference(vector));
  });

  it.each(vectors.filter(isException))('better: $about', (vector) => {
    const instead = PARSER_EXCEPTIONS[vector.about];
    expect(ours(vector)).not.toEqual(reference(vector));
    expect(ours(vector)).toEqual(
      typeof instead === 'string'
        ? { code: instead }
        : { value: { type: MessageType.SignalUtf16, encoding: 'utf16', ...instead } },
    );
  });

  it('hold each exception exactly once', () => {
    const exceptions = vectors.filter(isException).map(({ about }) => about);
    expect(exceptions.toSorted()).toEqual(Object.keys(PARSER_EXCEPTIONS).toSorted());
  });
});

describe('writer vectors', () => {
  const vectors = read<WriterVector>('writer-vectors.json');
  const nameOf = ({ message, about }: WriterVector) => `${message}: ${about}`;
  const isException = (vector: WriterVector) => Object.hasOwn(WRITER_EXCEPTIONS, nameOf(vector));

  const ours = (vector: WriterVector) => outcomeOf(() => toHex(encodeMessage(toEncode(vector))));
  const reference = (vector: WriterVector) => (vector.ok ? { value: vector.hex } : { code: expect.any(String) });

  it.each(vectors.filter((vector) => !isException(vector)))('$message: $about', (vector) => {
    expect(ours(vector)).toEqual(reference(vector));
  });

  it.each(vectors.filter(isException))('better: $message: $about', (vector) => {
    const instead = WRITER_EXCEPTIONS[nameOf(vector)];
    expect(ours(vector)).not.toEqual(reference(vector));
    expect(ours(vector)).toEqual(typeof instead === 'string' ? { code: instead } : { value: instead?.hex });
  });

  it('hold each exception exactly once', () => {
    const exceptions = vectors.filter(isException).map(nameOf);
    expect(exceptions.toSorted()).toEqual(Object.keys(WRITER_EXCEPTIONS).toSorted());
  });
});
