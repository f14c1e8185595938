import { describe, expect, it } from 'vitest';
import {
  CANCEL_PREFIX,
  identifierIn,
  identifierToHex,
  isReserved,
  ITEM_PREFIX,
  readCount,
  readExtensions,
} from '../../lib/protocol/extensions.js';

describe('identifiers in names', () => {
  it('are hexadecimal digits in the order of the bytes', () => {
    expect(identifierToHex(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0xff))).toBe('01000000000000ff');
    expect(identifierIn('wwr:item:01000000000000ff', ITEM_PREFIX)).toBe('01000000000000ff');
  });

  it.each([
    'wwr:item:',
    'wwr:item:01000000000000f',
    'wwr:item:01000000000000ff0',
    'wwr:item:01000000000000FF',
    'wwr:item:0x000000000000ff',
    'wwr:item:01000000000000f ',
    ' wwr:item:01000000000000ff',
    'wwr:Item:01000000000000ff',
    'wwr:cancel:01000000000000ff',
    '01000000000000ff',
  ])('are not read from %j', (name) => {
    expect(identifierIn(name, ITEM_PREFIX)).toBeUndefined();
  });

  it('are read after each prefix', () => {
    expect(identifierIn('wwr:cancel:0000000000000000', CANCEL_PREFIX)).toBe('0000000000000000');
  });
});

describe('counts', () => {
  it.each([
    ['1', 1],
    ['64', 64],
    ['999999999', 999_999_999],
  ])('reads %j', (text, count) => {
    expect(readCount(text)).toBe(count);
  });

  it.each([
    '',
    '0',
    '00',
    '01',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1\n',
    '1000000000',
    '٣',
    'NaN',
    'Infinity',
  ])('does not read %j', (text) => {
    expect(readCount(text)).toBeUndefined();
  });
});

describe('the negotiation', () => {
  it('has a list of names', () => {
    expect(readExtensions('{"client":"x","extensions":["ping","new"],"streamWindow":64}')).toMatchObject({
      extensions: ['ping', 'new'],
      streamWindow: 64,
    });
  });

  it.each([
    '',
    'x',
    '{',
    'null',
    '1',
    '"ping"',
    '["ping"]',
    '{}',
    '{"extensions":"ping"}',
    '{"extensions":{"0":"ping"}}',
  ])('cannot be %j', (text) => {
    expect(readExtensions(text)).toBeUndefined();
  });
});

it('reserves names that begin with wwr:', () => {
  expect(['wwr:', 'wwr:ping', 'wwr:anything'].map(isReserved)).toEqual([true, true, true]);
  expect(['', 'wwr', 'WWR:ping', ' wwr:ping', 'x wwr:'].map(isReserved)).toEqual([false, false, false, false, false]);
});
