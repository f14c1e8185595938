import { runInNewContext } from 'node:vm';
import { MessageType, Payload, encodeMessage } from 'nestjs-webwire/protocol';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from './hex.js';

describe('Payload.binary', () => {
  it('is a view of the bytes it was given', () => {
    const bytes = fromHex('0102');
    const payload = Payload.binary(bytes);
    expect(payload.encoding).toBe('binary');
    expect(payload.bytes).toBe(bytes);
  });

  it('reads its text as UTF-8', () => {
    expect(Payload.binary(fromHex('d18f')).text()).toBe('я');
  });

  it('accepts a Uint8Array of another realm', () => {
    const foreign = runInNewContext('Uint8Array.of(97)') as Uint8Array;
    expect(foreign).not.toBeInstanceOf(Uint8Array);
    expect(Payload.binary(foreign).text()).toBe('a');
    expect(toHex(encodeMessage({ type: MessageType.SignalBinary, payload: foreign }))).toBe('3f0061');
  });

  it.each([['a string'], [[1, 2]], [new Uint16Array(2)], [undefined]])('refuses %o', (value) => {
    expect(() => Payload.binary(value as never)).toThrow(TypeError);
  });
});

describe('Payload.utf8', () => {
  it('encodes text', () => {
    const payload = Payload.utf8('aя😀');
    expect(payload.encoding).toBe('utf8');
    expect(toHex(payload.bytes)).toBe('61d18ff09f9880');
  });

  it('decodes text', () => {
    expect(new Payload('utf8', fromHex('61d18ff09f9880')).text()).toBe('aя😀');
  });

  it('replaces lone surrogates', () => {
    expect(toHex(Payload.utf8('a\uD83D').bytes)).toBe('61efbfbd');
  });

  it('replaces invalid UTF-8 when it is decoded', () => {
    expect(new Payload('utf8', fromHex('61ff62')).text()).toBe('a\uFFFDb');
  });

  it('keeps a byte-order mark', () => {
    expect(new Payload('utf8', fromHex('efbbbf61')).text()).toBe('\uFEFFa');
  });

  it('rejects a value that is not a string', () => {
    expect(() => Payload.utf8(1 as never)).toThrow(TypeError);
  });
});

describe('Payload.utf16', () => {
  it('encodes little-endian without a byte-order mark', () => {
    const payload = Payload.utf16('aя');
    expect(payload.encoding).toBe('utf16');
    expect(toHex(payload.bytes)).toBe('61004f04');
  });

  it('encodes surrogate pairs', () => {
    expect(toHex(Payload.utf16('😀').bytes)).toBe('3dd800de');
  });

  it('decodes surrogate pairs', () => {
    expect(new Payload('utf16', fromHex('3dd800de')).text()).toBe('😀');
  });

  it.each([
    ['a high surrogate at the end', 'a\uD83D', '6100fdff'],
    ['a high surrogate before a letter', '\uD83Da', 'fdff6100'],
    ['a low surrogate at the start', '\uDE00a', 'fdff6100'],
    ['a pair the wrong way round', '\uDE00\uD83D', 'fdfffdff'],
    ['a high surrogate before a pair', '\uD83D\uD83D\uDE00', 'fdff3dd800de'],
    ['a low surrogate after a pair', '\uD83D\uDE00\uDE00', '3dd800defdff'],
  ])('replaces %s when encoding', (_, text, hex) => {
    expect(toHex(Payload.utf16(text).bytes)).toBe(hex);
  });

  it('replaces lone surrogates when decoding', () => {
    expect(new Payload('utf16', fromHex('3dd86100')).text()).toBe('\uFFFDa');
    expect(new Payload('utf16', fromHex('00de6100')).text()).toBe('\uFFFDa');
    expect(new Payload('utf16', fromHex('61003dd8')).text()).toBe('a\uFFFD');
  });

  it('replaces a last odd byte', () => {
    expect(new Payload('utf16', fromHex('610062')).text()).toBe('a\uFFFD');
  });

  it('keeps a byte-order mark', () => {
    expect(new Payload('utf16', fromHex('fffe6100')).text()).toBe('\uFEFFa');
  });

  it('decodes at an odd offset of its memory', () => {
    expect(new Payload('utf16', fromHex('ff61006200').subarray(1)).text()).toBe('ab');
  });

  it('rejects a value that is not a string', () => {
    expect(() => Payload.utf16(undefined as never)).toThrow(TypeError);
  });
});

describe('Payload.json', () => {
  it('encodes a value as JSON in UTF-8', () => {
    const payload = Payload.json({ name: 'я', list: [1, null] });
    expect(payload.encoding).toBe('utf8');
    expect(payload.text()).toBe('{"name":"я","list":[1,null]}');
  });

  it('gives the value back', () => {
    expect(Payload.json({ answer: 42 }).json<{ answer: number }>().answer).toBe(42);
  });

  it('parses UTF-16 too', () => {
    expect(Payload.utf16('[true]').json()).toEqual([true]);
  });

  it('throws a SyntaxError for text that is not JSON', () => {
    expect(() => Payload.utf8('{').json()).toThrow(SyntaxError);
  });

  const cycle: { self?: unknown } = {};
  cycle.self = cycle;

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a BigInt', 1n],
    ['a cycle', cycle],
  ])('throws a TypeError for %s', (_, value) => {
    expect(() => Payload.json(value)).toThrow(TypeError);
  });
});
