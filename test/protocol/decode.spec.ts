import { decodeMessage, MAX_TEXT_FIELD_LENGTH, MessageType } from 'nestjs-webwire/protocol';
import { describe, expect, it } from 'vitest';
import { fromHex } from './hex.js';
import { protocolErrorOf } from './protocol-failure.js';

const ID = fromHex('0102030405060708');
const NONE = new Uint8Array(0);

const decode = (hex: string) => decodeMessage(fromHex(hex));

/** Returns code, close code and offset of the error for a message. */
function rejection(bytes: Uint8Array | string, maxLength?: number) {
  const { code, closeCode, offset } = protocolErrorOf(() =>
    decodeMessage(typeof bytes === 'string' ? fromHex(bytes) : bytes, maxLength),
  );
  return [code, closeCode, offset];
}

describe('requests', () => {
  it('reads a binary request', () => {
    expect(decode('7f 0102030405060708 04 6563686f 00fe')).toEqual({
      type: MessageType.RequestBinary,
      id: ID,
      name: 'echo',
      payload: fromHex('00fe'),
    });
  });

  it('reads a UTF-8 request', () => {
    expect(decode('80 0102030405060708 04 6563686f d0b4')).toEqual({
      type: MessageType.RequestUtf8,
      id: ID,
      name: 'echo',
      payload: fromHex('d0b4'),
    });
  });

  it('reads a UTF-16 request with an even name', () => {
    expect(decode('81 0102030405060708 04 6563686f 6100')).toEqual({
      type: MessageType.RequestUtf16,
      id: ID,
      name: 'echo',
      payload: fromHex('6100'),
    });
  });

  it('ignores the value of the padding after an odd name', () => {
    expect(decode('81 0102030405060708 03 616263 7f 6100')).toEqual({
      type: MessageType.RequestUtf16,
      id: ID,
      name: 'abc',
      payload: fromHex('6100'),
    });
  });

  it('reads a request without a name', () => {
    expect(decode('7f 0102030405060708 00 ff')).toMatchObject({ name: '', payload: fromHex('ff') });
  });

  it('reads a request with a name alone', () => {
    expect(decode('80 0102030405060708 01 61')).toMatchObject({ name: 'a', payload: NONE });
  });

  it('reads a UTF-16 request with a name alone', () => {
    expect(decode('81 0102030405060708 01 61 00')).toMatchObject({ name: 'a', payload: NONE });
  });

  it('reads a name of 255 bytes', () => {
    const message = decode(`7f 0102030405060708 ff ${'7e'.repeat(255)} 00`);
    expect(message).toMatchObject({ name: '~'.repeat(255), payload: fromHex('00') });
  });

  it('accepts the first and the last character that a name may have', () => {
    expect(decode('7f 0102030405060708 02 207e')).toMatchObject({ name: ' ~' });
  });

  it('distinguishes names with the same index in the table of recent names', () => {
    const seen = new Set<string>();
    for (let number = 0; number < 2000; number++) {
      const name = `n${number}`;
      const bytes = Uint8Array.of(0x40, name.length, ...new TextEncoder().encode(name));
      const message = decodeMessage(bytes);
      if (message.type === MessageType.SignalUtf8) seen.add(message.name);
    }
    expect(seen).toEqual(new Set(Array.from({ length: 2000 }, (_, number) => `n${number}`)));
  });

  it('rejects one that is too short', () => {
    expect(rejection('7f 0102030405060708 00')).toEqual(['TRUNCATED', 1002, 10]);
  });

  it('rejects a UTF-16 one that is too short', () => {
    expect(rejection('81 0102030405060708 00 61')).toEqual(['TRUNCATED', 1002, 11]);
  });

  it('rejects a name that reaches past the end', () => {
    expect(rejection('7f 0102030405060708 04 616263')).toEqual(['LENGTH_MISMATCH', 1002, 9]);
  });

  it('rejects a UTF-16 name that reaches past the end', () => {
    expect(rejection('81 0102030405060708 04 6162')).toEqual(['LENGTH_MISMATCH', 1002, 9]);
  });

  it('rejects a UTF-16 message of odd length', () => {
    expect(rejection('81 0102030405060708 04 6563686f 616263')).toEqual(['ODD_UTF16_LENGTH', 1002, 16]);
  });

  it('rejects a control character in a name', () => {
    expect(rejection('7f 0102030405060708 02 611f 00')).toEqual(['INVALID_CHARACTER', 1002, 11]);
  });

  it('rejects DEL in a name', () => {
    expect(rejection('80 0102030405060708 02 7f61 00')).toEqual(['INVALID_CHARACTER', 1002, 10]);
  });

  it('rejects a byte beyond ASCII in a name', () => {
    expect(rejection('81 0102030405060708 02 d0b4')).toEqual(['INVALID_CHARACTER', 1002, 10]);
  });
});

describe('signals', () => {
  it('reads a binary signal', () => {
    expect(decode('3f 02 6162 ff')).toEqual({
      type: MessageType.SignalBinary,
      name: 'ab',
      payload: fromHex('ff'),
    });
  });

  it('reads a UTF-8 signal', () => {
    expect(decode('40 02 6162 d0b4')).toEqual({
      type: MessageType.SignalUtf8,
      name: 'ab',
      payload: fromHex('d0b4'),
    });
  });

  it('reads a UTF-16 signal with padding', () => {
    expect(decode('41 01 61 00 3dd800de')).toEqual({
      type: MessageType.SignalUtf16,
      name: 'a',
      payload: fromHex('3dd800de'),
    });
  });

  it('reads a UTF-16 signal without padding', () => {
    expect(decode('41 02 6162 6100')).toMatchObject({ name: 'ab', payload: fromHex('6100') });
  });

  it('reads a UTF-16 signal with a name alone', () => {
    expect(decode('41 02 6162')).toEqual({ type: MessageType.SignalUtf16, name: 'ab', payload: NONE });
  });

  it('reads a UTF-16 signal with an odd name alone', () => {
    expect(decode('41 01 61 00')).toEqual({ type: MessageType.SignalUtf16, name: 'a', payload: NONE });
  });

  it('reads a signal with a name alone', () => {
    expect(decode('40 01 61')).toMatchObject({ name: 'a', payload: NONE });
  });

  it('reads a signal without a name', () => {
    expect(decode('3f 00 61')).toMatchObject({ name: '', payload: fromHex('61') });
  });

  it('rejects one with neither name nor payload', () => {
    expect(rejection('3f 00')).toEqual(['TRUNCATED', 1002, 2]);
  });

  it('rejects a UTF-16 one with neither name nor payload', () => {
    expect(rejection('41 00')).toEqual(['TRUNCATED', 1002, 2]);
  });

  it('rejects a name that reaches past the end', () => {
    expect(rejection('3f ff 616263')).toEqual(['LENGTH_MISMATCH', 1002, 1]);
  });

  it('rejects a UTF-16 message of odd length', () => {
    expect(rejection('41 03 616263')).toEqual(['ODD_UTF16_LENGTH', 1002, 4]);
  });

  it('rejects a character outside the range in a name', () => {
    expect(rejection('40 03 610062')).toEqual(['INVALID_CHARACTER', 1002, 3]);
  });

  it('rejects a character outside the range in a name too long to be remembered', () => {
    expect(rejection(`40 64 ${'61'.repeat(99)}80`)).toEqual(['INVALID_CHARACTER', 1002, 101]);
  });
});

describe('replies', () => {
  it('reads a binary reply', () => {
    expect(decode('bf 0102030405060708 00ff')).toEqual({
      type: MessageType.ReplyBinary,
      id: ID,
      payload: fromHex('00ff'),
    });
  });

  it('reads an empty UTF-8 reply', () => {
    expect(decode('c0 0102030405060708')).toEqual({ type: MessageType.ReplyUtf8, id: ID, payload: NONE });
  });

  it('reads a UTF-16 reply behind its padding', () => {
    expect(decode('c1 0102030405060708 09 6100')).toEqual({
      type: MessageType.ReplyUtf16,
      id: ID,
      payload: fromHex('6100'),
    });
  });

  it('reads an empty UTF-16 reply', () => {
    expect(decode('c1 0102030405060708 00')).toMatchObject({ payload: NONE });
  });

  it('rejects one without a whole identifier', () => {
    expect(rejection('bf 01020304050607')).toEqual(['TRUNCATED', 1002, 8]);
  });

  it('rejects a UTF-16 one without padding', () => {
    expect(rejection('c1 0102030405060708')).toEqual(['TRUNCATED', 1002, 9]);
  });

  it('rejects a UTF-16 one of odd length', () => {
    expect(rejection('c1 0102030405060708 6100')).toEqual(['ODD_UTF16_LENGTH', 1002, 10]);
  });

  it.each([1, 2, 3, 4, 5])('reads type %i', (type) => {
    expect(decode(`0${type} 0102030405060708`)).toEqual({ type, id: ID });
  });

  it.each([1, 2, 3, 4, 5])('ignores bytes after the identifier in type %i', (type) => {
    expect(decode(`0${type} 0102030405060708 747261696c`)).toEqual({ type, id: ID });
  });

  it.each([1, 2, 3, 4, 5])('rejects type %i without a whole identifier', (type) => {
    expect(rejection(`0${type} 01020304050607`)).toEqual(['TRUNCATED', 1002, 8]);
  });
});

describe('error replies', () => {
  it('reads code and message', () => {
    expect(decode('00 0102030405060708 02 4e4f d18f')).toEqual({
      type: MessageType.ReplyError,
      id: ID,
      code: 'NO',
      message: 'я',
    });
  });

  it('reads a code alone', () => {
    expect(decode('00 0102030405060708 01 45')).toMatchObject({ code: 'E', message: '' });
  });

  it('replaces invalid UTF-8 in the message', () => {
    expect(decode('00 0102030405060708 01 45 ff41')).toMatchObject({ message: '\uFFFDA' });
  });

  it('rejects one that is too short', () => {
    expect(rejection('00 0102030405060708 01')).toEqual(['TRUNCATED', 1002, 10]);
  });

  it('rejects an empty code', () => {
    expect(rejection('00 0102030405060708 00 78')).toEqual(['EMPTY_FIELD', 1002, 9]);
  });

  it('rejects a code that reaches past the end', () => {
    expect(rejection('00 0102030405060708 02 45')).toEqual(['LENGTH_MISMATCH', 1002, 9]);
  });

  it('rejects a code with a character outside the range', () => {
    expect(rejection('00 0102030405060708 02 45c8 6d')).toEqual(['INVALID_CHARACTER', 1002, 11]);
  });

  it('rejects a message too long for a string', () => {
    const bytes = new Uint8Array(11 + MAX_TEXT_FIELD_LENGTH + 1);
    bytes.set(fromHex('00 0102030405060708 01 45'));
    expect(rejection(bytes)).toEqual(['MESSAGE_TOO_LARGE', 1009, 11 + MAX_TEXT_FIELD_LENGTH]);
  });
});

describe('sessions', () => {
  it('reads SessionCreated', () => {
    expect(decode('15 7b7d')).toEqual({ type: MessageType.SessionCreated, session: fromHex('7b7d') });
  });

  it('rejects SessionCreated without a session', () => {
    expect(rejection('15')).toEqual(['TRUNCATED', 1002, 1]);
  });

  it('reads SessionClosed', () => {
    expect(decode('16')).toEqual({ type: MessageType.SessionClosed });
  });

  it('rejects bytes after SessionClosed', () => {
    expect(rejection('16 00')).toEqual(['TRAILING_BYTES', 1002, 1]);
  });

  it('reads RequestCloseSession', () => {
    expect(decode('1f 0102030405060708')).toEqual({ type: MessageType.RequestCloseSession, id: ID });
  });

  it('rejects RequestCloseSession without a whole identifier', () => {
    expect(rejection('1f 01020304050607')).toEqual(['TRUNCATED', 1002, 8]);
  });

  it('rejects bytes after RequestCloseSession', () => {
    expect(rejection('1f 0102030405060708 00')).toEqual(['TRAILING_BYTES', 1002, 9]);
  });

  it('reads RequestRestoreSession', () => {
    expect(decode('20 0102030405060708 6b6579')).toEqual({
      type: MessageType.RequestRestoreSession,
      id: ID,
      sessionKey: 'key',
    });
  });

  it('rejects RequestRestoreSession without a key', () => {
    expect(rejection('20 0102030405060708')).toEqual(['TRUNCATED', 1002, 9]);
  });

  it('rejects a session key with a character outside the range', () => {
    expect(rejection('20 0102030405060708 6b00')).toEqual(['INVALID_CHARACTER', 1002, 10]);
  });

  it('rejects a session key too long for a string', () => {
    const bytes = new Uint8Array(9 + MAX_TEXT_FIELD_LENGTH + 1);
    bytes[0] = MessageType.RequestRestoreSession;
    expect(rejection(bytes)).toEqual(['MESSAGE_TOO_LARGE', 1009, 9 + MAX_TEXT_FIELD_LENGTH]);
  });
});

describe('opening and liveness', () => {
  it('reads AcceptConf', () => {
    expect(decode('17 02 01 60ea0000 00200000 63686174')).toEqual({
      type: MessageType.AcceptConf,
      majorVersion: 2,
      minorVersion: 1,
      readTimeout: 60_000,
      messageBufferSize: 8_192,
      subProtocolName: 'chat',
    });
  });

  it('reads the largest numbers of AcceptConf as unsigned', () => {
    expect(decode('17 ff ff ffffffff feffffff')).toMatchObject({
      majorVersion: 255,
      minorVersion: 255,
      readTimeout: 4_294_967_295,
      messageBufferSize: 4_294_967_294,
      subProtocolName: '',
    });
  });

  it('reads the sub-protocol name as UTF-8', () => {
    expect(decode('17 02 00 60ea0000 00200000 d18f ff')).toMatchObject({ subProtocolName: 'я\uFFFD' });
  });

  it('rejects an AcceptConf that is too short', () => {
    expect(rejection('17 02 00 60ea0000 002000')).toEqual(['TRUNCATED', 1002, 10]);
  });

  it('reads Heartbeat', () => {
    expect(decode('21')).toEqual({ type: MessageType.Heartbeat });
  });

  it('rejects bytes after Heartbeat', () => {
    expect(rejection('21 62')).toEqual(['TRAILING_BYTES', 1002, 1]);
  });
});

describe('every message', () => {
  it('is not empty', () => {
    expect(rejection('')).toEqual(['EMPTY_MESSAGE', 1002, 0]);
  });

  it.each([6, 20, 24, 30, 34, 62, 66, 126, 130, 190, 194, 255])('is not of type %i', (type) => {
    expect(rejection(Uint8Array.of(type, ...ID, 1, 97, 98))).toEqual(['UNKNOWN_TYPE', 1002, 0]);
  });

  it('may be as long as the limit', () => {
    expect(decodeMessage(fromHex('3f 00 61'), 3)).toMatchObject({ payload: fromHex('61') });
  });

  it('may not be longer than the limit', () => {
    expect(rejection('3f 00 6161', 3)).toEqual(['MESSAGE_TOO_LARGE', 1009, 3]);
  });

  it('is measured before its type is looked at', () => {
    expect(rejection('ff 00 6161', 3)).toEqual(['MESSAGE_TOO_LARGE', 1009, 3]);
  });

  it('is read where it lies within larger memory, and not copied', () => {
    const memory = fromHex('ffffff 7f 0102030405060708 01 61 0203 ffff');
    const message = decodeMessage(memory.subarray(3, 16));
    expect(message).toEqual({
      type: MessageType.RequestBinary,
      id: ID,
      name: 'a',
      payload: fromHex('0203'),
    });
    memory.fill(0x2a);
    expect(message).toMatchObject({ id: fromHex('2a'.repeat(8)), payload: fromHex('2a2a') });
  });

  it('may come as a Buffer', () => {
    expect(decodeMessage(Buffer.from('bf010203040506070861', 'hex'))).toEqual({
      type: MessageType.ReplyBinary,
      id: ID,
      payload: fromHex('61'),
    });
  });

  it('may lie in shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(12));
    shared.set(fromHex('00 0102030405060708 01 45 41'));
    expect(decodeMessage(shared)).toMatchObject({ code: 'E', message: 'A' });
  });
});
