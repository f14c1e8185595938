import { ProtocolError } from 'nestjs-webwire/protocol';
import { expect, it } from 'vitest';

it('carries code, close code and offset', () => {
  const error = new ProtocolError('TRUNCATED', '3 bytes', 3);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ code: 'TRUNCATED', closeCode: 1002, offset: 3, message: '3 bytes' });
});

it('is named in stack traces', () => {
  expect(String(new ProtocolError('TRUNCATED', '3 bytes', 3))).toBe('ProtocolError: 3 bytes');
});

it('closes with 1003 after a text frame', () => {
  expect(new ProtocolError('TEXT_FRAME', 'text frame', 0).closeCode).toBe(1003);
});

it('closes with 1009 after a message that is too large', () => {
  expect(new ProtocolError('MESSAGE_TOO_LARGE', '9 bytes exceed 8', 8).closeCode).toBe(1009);
});
