import {
  encodedLength,
  encodeMessage,
  encodeMessageInto,
  encodingOf,
  type EncodableMessage,
  MessageType,
  replyType,
  requestType,
  signalType,
} from 'nestjs-webwire/protocol';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from './hex.js';
import { protocolErrorOf } from './protocol-failure.js';

const id = fromHex('0102030405060708');

const encode = (message: EncodableMessage) => toHex(encodeMessage(message));

/** Returns code, close code and offset of the error for a message, which may be any value, as in callers without types. */
function refusal(message: unknown) {
  const { code, closeCode, offset } = protocolErrorOf(() => encodeMessage(message as EncodableMessage));
  return [code, closeCode, offset];
}

describe('requests', () => {
  const type = MessageType.RequestBinary;

  it('writes identifier, name and payload', () => {
    expect(encode({ type, id, name: 'echo', payload: fromHex('00ff') })).toBe('7f0102030405060708046563686f00ff');
  });

  it('writes a UTF-8 request', () => {
    expect(encode({ type: MessageType.RequestUtf8, id, name: 'a', payload: fromHex('d18f') })).toBe(
      '8001020304050607080161d18f',
    );
  });

  it('pads an odd name before a UTF-16 payload', () => {
    expect(encode({ type: MessageType.RequestUtf16, id, name: 'a', payload: fromHex('6200') })).toBe(
      '8101020304050607080161006200',
    );
  });

  it('does not pad an even name', () => {
    expect(encode({ type: MessageType.RequestUtf16, id, name: 'ab', payload: fromHex('6200') })).toBe(
      '8101020304050607080261626200',
    );
  });

  it('pads an odd name that stands alone in a UTF-16 request', () => {
    expect(encode({ type: MessageType.RequestUtf16, id, name: 'a' })).toBe('810102030405060708016100');
  });

  it('may have no name', () => {
    expect(encode({ type, id, payload: fromHex('ff') })).toBe('7f010203040506070800ff');
  });

  it('may have no payload', () => {
    expect(encode({ type, id, name: 'a' })).toBe('7f01020304050607080161');
  });

  it('may have a name of 255 bytes', () => {
    expect(encode({ type, id, name: '~'.repeat(255) })).toBe(`7f0102030405060708ff${'7e'.repeat(255)}`);
  });

  it('is refused with neither name nor payload', () => {
    expect(refusal({ type, id, name: '', payload: new Uint8Array(0) })).toEqual(['EMPTY_FIELD', 1002, 9]);
  });

  it('is refused with a name of 256 bytes', () => {
    expect(refusal({ type, id, name: 'a'.repeat(256) })).toEqual(['FIELD_TOO_LONG', 1002, 10]);
  });

  it('is refused with a control character in its name', () => {
    expect(refusal({ type, id, name: 'a\u001F' })).toEqual(['INVALID_CHARACTER', 1002, 11]);
  });

  it('is refused with DEL in its name', () => {
    expect(refusal({ type, id, name: '\u007F' })).toEqual(['INVALID_CHARACTER', 1002, 10]);
  });

  it('is refused with a character beyond ASCII in its name', () => {
    expect(refusal({ type, id, name: 'имя' })).toEqual(['INVALID_CHARACTER', 1002, 10]);
  });

  it('is refused with a name that is not a string', () => {
    expect(refusal({ type, id, name: null, payload: fromHex('ff') })).toEqual(['INVALID_FIELD', 1002, 10]);
  });

  it('is refused with a payload that is not bytes', () => {
    expect(refusal({ type, id, name: 'a', payload: 'text' })).toEqual(['INVALID_FIELD', 1002, 11]);
  });

  it('is refused with a UTF-16 payload of odd length', () => {
    const message = { type: MessageType.RequestUtf16, id, name: 'a', payload: fromHex('616263') };
    expect(refusal(message)).toEqual(['ODD_UTF16_LENGTH', 1002, 14]);
  });

  it('is refused without an identifier', () => {
    expect(refusal({ type, name: 'a' })).toEqual(['INVALID_FIELD', 1002, 1]);
  });

  it('is refused with an identifier that is not bytes', () => {
    expect(refusal({ type, id: '12345678', name: 'a' })).toEqual(['INVALID_FIELD', 1002, 1]);
  });

  it('is refused with an identifier that is not 8 bytes', () => {
    expect(refusal({ type, id: id.subarray(1), name: 'a' })).toEqual(['INVALID_FIELD', 1002, 1]);
  });
});

describe('signals', () => {
  it('writes name and payload', () => {
    expect(encode({ type: MessageType.SignalBinary, name: 'ab', payload: fromHex('ff') })).toBe('3f026162ff');
  });

  it('pads an odd name before a UTF-16 payload', () => {
    expect(encode({ type: MessageType.SignalUtf16, name: 'a', payload: fromHex('6200') })).toBe('410161006200');
  });

  it('writes a UTF-16 signal with a name alone as UTF-8', () => {
    expect(encode({ type: MessageType.SignalUtf16, name: 'a', payload: new Uint8Array(0) })).toBe('400161');
  });

  it('writes a UTF-16 signal whose payload was left out as UTF-8', () => {
    expect(encode({ type: MessageType.SignalUtf16, name: 'ab' })).toBe('40026162');
  });

  it('may have no name', () => {
    expect(encode({ type: MessageType.SignalUtf8, payload: fromHex('61') })).toBe('400061');
  });

  it('is refused with neither name nor payload', () => {
    expect(refusal({ type: MessageType.SignalUtf8 })).toEqual(['EMPTY_FIELD', 1002, 1]);
  });

  it('is refused with a UTF-16 payload of odd length', () => {
    const message = { type: MessageType.SignalUtf16, name: 'ab', payload: fromHex('61') };
    expect(refusal(message)).toEqual(['ODD_UTF16_LENGTH', 1002, 4]);
  });

  it('is refused with a name of 256 bytes', () => {
    const message = { type: MessageType.SignalUtf8, name: 'a'.repeat(256) };
    expect(refusal(message)).toEqual(['FIELD_TOO_LONG', 1002, 2]);
  });

  it('is refused with a null payload', () => {
    expect(refusal({ type: MessageType.SignalUtf16, name: 'ab', payload: null })).toEqual(['INVALID_FIELD', 1002, 4]);
  });
});

describe('replies', () => {
  it('writes identifier and payload', () => {
    expect(encode({ type: MessageType.ReplyUtf8, id, payload: fromHex('61') })).toBe('c0010203040506070861');
  });

  it('writes an empty reply in 9 bytes', () => {
    expect(encode({ type: MessageType.ReplyBinary, id })).toBe('bf0102030405060708');
  });

  it('pads a UTF-16 reply', () => {
    expect(encode({ type: MessageType.ReplyUtf16, id, payload: fromHex('6100') })).toBe('c10102030405060708006100');
  });

  it('pads an empty UTF-16 reply', () => {
    expect(encode({ type: MessageType.ReplyUtf16, id })).toBe('c1010203040506070800');
  });

  it('is refused with a UTF-16 payload of odd length', () => {
    expect(refusal({ type: MessageType.ReplyUtf16, id, payload: fromHex('61') })).toEqual([
      'ODD_UTF16_LENGTH',
      1002,
      10,
    ]);
  });

  it('is refused with a payload that is not bytes', () => {
    expect(refusal({ type: MessageType.ReplyBinary, id, payload: [1] })).toEqual(['INVALID_FIELD', 1002, 9]);
  });

  it.each([1, 2, 3, 4, 5] as const)('writes type %i', (type) => {
    expect(encode({ type, id })).toBe(`0${type}0102030405060708`);
  });

  it.each([1, 2, 3, 4, 5])('refuses type %i without an identifier', (type) => {
    expect(refusal({ type })).toEqual(['INVALID_FIELD', 1002, 1]);
  });
});

describe('error replies', () => {
  const type = MessageType.ReplyError;

  it('writes code and message', () => {
    expect(encode({ type, id, code: 'NO', message: 'я😀' })).toBe('000102030405060708024e4fd18ff09f9880');
  });

  it('may have no message', () => {
    expect(encode({ type, id, code: 'E' })).toBe('0001020304050607080145');
  });

  it('replaces lone surrogates in the message', () => {
    expect(encode({ type, id, code: 'E', message: '\uD83Da\uDE00' })).toBe('0001020304050607080145efbfbd61efbfbd');
  });

  it('is refused with an empty code', () => {
    expect(refusal({ type, id, code: '', message: 'm' })).toEqual(['EMPTY_FIELD', 1002, 9]);
  });

  it('is refused without a code', () => {
    expect(refusal({ type, id, message: 'm' })).toEqual(['INVALID_FIELD', 1002, 10]);
  });

  it('is refused with a code of 256 bytes', () => {
    expect(refusal({ type, id, code: 'a'.repeat(256) })).toEqual(['FIELD_TOO_LONG', 1002, 10]);
  });

  it('is refused with a character outside the range in the code', () => {
    expect(refusal({ type, id, code: 'A\u007F' })).toEqual(['INVALID_CHARACTER', 1002, 11]);
  });

  it('is refused with a message that is not a string', () => {
    expect(refusal({ type, id, code: 'E', message: 1 })).toEqual(['INVALID_FIELD', 1002, 11]);
  });
});

describe('sessions', () => {
  it('writes SessionCreated', () => {
    expect(encode({ type: MessageType.SessionCreated, session: fromHex('7b7d') })).toBe('157b7d');
  });

  it('refuses SessionCreated with an empty session', () => {
    const message = { type: MessageType.SessionCreated, session: new Uint8Array(0) };
    expect(refusal(message)).toEqual(['EMPTY_FIELD', 1002, 1]);
  });

  it('refuses SessionCreated with a session that is not bytes', () => {
    expect(refusal({ type: MessageType.SessionCreated, session: '{}' })).toEqual(['INVALID_FIELD', 1002, 1]);
  });

  it('writes SessionClosed', () => {
    expect(encode({ type: MessageType.SessionClosed })).toBe('16');
  });

  it('writes RequestCloseSession', () => {
    expect(encode({ type: MessageType.RequestCloseSession, id })).toBe('1f0102030405060708');
  });

  it('writes RequestRestoreSession', () => {
    expect(encode({ type: MessageType.RequestRestoreSession, id, sessionKey: 'key' })).toBe('2001020304050607086b6579');
  });

  it('refuses RequestRestoreSession with an empty key', () => {
    const message = { type: MessageType.RequestRestoreSession, id, sessionKey: '' };
    expect(refusal(message)).toEqual(['EMPTY_FIELD', 1002, 9]);
  });

  it('refuses RequestRestoreSession without a key', () => {
    expect(refusal({ type: MessageType.RequestRestoreSession, id })).toEqual(['INVALID_FIELD', 1002, 9]);
  });

  it('refuses a session key with a character outside the range', () => {
    const message = { type: MessageType.RequestRestoreSession, id, sessionKey: 'k\n' };
    expect(refusal(message)).toEqual(['INVALID_CHARACTER', 1002, 10]);
  });
});

describe('opening and liveness', () => {
  const conf = {
    type: MessageType.AcceptConf,
    majorVersion: 2,
    minorVersion: 0,
    readTimeout: 60_000,
    messageBufferSize: 8_192,
    subProtocolName: '',
  };

  it('writes AcceptConf', () => {
    expect(encode(conf)).toBe('17020060ea000000200000');
  });

  it('writes the sub-protocol name as UTF-8', () => {
    expect(encode({ ...conf, subProtocolName: 'chat-я' })).toBe('17020060ea000000200000636861742dd18f');
  });

  it('treats a missing sub-protocol name as an empty one', () => {
    expect(encode({ ...conf, subProtocolName: undefined })).toBe('17020060ea000000200000');
  });

  it('writes the largest numbers', () => {
    const largest = { majorVersion: 255, minorVersion: 255, readTimeout: 0xffff_ffff };
    expect(encode({ ...conf, ...largest, messageBufferSize: 0xffff_ffff })).toBe('17ffffffffffffffffffff');
  });

  it('writes numbers with their lowest byte first', () => {
    const message = { ...conf, readTimeout: 0x0102_0304, messageBufferSize: 0xf1f2_f3f4 };
    expect(encode(message)).toBe('17020004030201f4f3f2f1');
  });

  it('drops the fraction of a millisecond', () => {
    expect(encode({ ...conf, readTimeout: 1.999 })).toBe('1702000100000000200000');
  });

  it('accepts a buffer size of 32 bytes', () => {
    expect(encode({ ...conf, messageBufferSize: 32 })).toBe('17020060ea000020000000');
  });

  it.each([
    ['majorVersion', 256, 1],
    ['majorVersion', 1.5, 1],
    ['minorVersion', -1, 2],
    ['minorVersion', undefined, 2],
    ['readTimeout', 0x1_0000_0000, 3],
    ['readTimeout', -0.5, 3],
    ['readTimeout', Infinity, 3],
    ['readTimeout', '60000', 3],
    ['messageBufferSize', 31, 7],
    ['messageBufferSize', 0x1_0000_0000, 7],
    ['messageBufferSize', 8192.5, 7],
    ['messageBufferSize', NaN, 7],
    ['subProtocolName', null, 11],
  ])('refuses AcceptConf with %s %s', (field, value, offset) => {
    expect(refusal({ ...conf, [field]: value })).toEqual(['INVALID_FIELD', 1002, offset]);
  });

  it('writes Heartbeat', () => {
    expect(encode({ type: MessageType.Heartbeat })).toBe('21');
  });
});

describe('every message', () => {
  it.each([6, 255, 256, -1, '33', undefined, null, Symbol('33')])('is not of type %o', (type) => {
    expect(refusal({ type, id, name: 'a' })).toEqual(['UNKNOWN_TYPE', 1002, 0]);
  });

  it.each([undefined, null, 'text', 33])('is not %o', (message) => {
    expect(refusal(message)).toEqual(['INVALID_FIELD', 1002, 0]);
  });
});

describe('encodeMessageInto', () => {
  const message: EncodableMessage = { type: MessageType.RequestUtf16, id, name: 'a' };

  it('writes at an offset and returns how much', () => {
    const target = new Uint8Array(16).fill(0xee);
    expect(encodeMessageInto(message, target, 2)).toBe(12);
    expect(toHex(target)).toBe('eeee810102030405060708016100eeee');
  });

  it('writes at the start by default', () => {
    const target = new Uint8Array(12);
    expect(encodeMessageInto(message, target)).toBe(encodedLength(message));
    expect(target).toEqual(encodeMessage(message));
  });

  it.each([1, -1, NaN])('throws a RangeError at %d and writes nothing if the target is too small', (offset) => {
    const target = new Uint8Array(12);
    expect(() => encodeMessageInto(message, target, offset)).toThrow(RangeError);
    expect(target).toEqual(new Uint8Array(12));
  });

  it('rejects the same messages as encodeMessage', () => {
    const { code } = protocolErrorOf(() => encodeMessageInto({ type: MessageType.SignalUtf8 }, new Uint8Array(9)));
    expect(code).toBe('EMPTY_FIELD');
  });
});

describe('types and encodings', () => {
  it.each(['binary', 'utf8', 'utf16'] as const)('agree for %s', (encoding) => {
    expect(encodingOf(requestType(encoding))).toBe(encoding);
    expect(encodingOf(replyType(encoding))).toBe(encoding);
    expect(encodingOf(signalType(encoding))).toBe(encoding);
  });

  it('name different types', () => {
    expect([requestType('utf8'), replyType('utf8'), signalType('utf8')]).toEqual([128, 192, 64]);
  });
});
