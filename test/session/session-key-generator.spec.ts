import { describe, expect, it } from 'vitest';
import { isSessionKey, RandomSessionKeyGenerator } from '../../lib/session/session-key-generator.js';

describe('the key generator', () => {
  const generator = new RandomSessionKeyGenerator();

  it('makes 64 characters of URL-safe base64', () => {
    for (let count = 0; count < 100; count++) expect(generator.generate()).toMatch(/^[\w-]{64}$/);
  });

  it('never makes one twice', () => {
    expect(new Set(Array.from({ length: 1000 }, () => generator.generate())).size).toBe(1000);
  });

  it('makes keys that sessions can have', () => {
    expect(isSessionKey(generator.generate())).toBe(true);
  });
});

describe('a session key', () => {
  it.each(['a', ' ', '~', '../etc/passwd', 'x'.repeat(255)])('can be %j', (key) => {
    expect(isSessionKey(key)).toBe(true);
  });

  it.each(['', 'x'.repeat(256), 'a\n', '\0', '\x7f', 'ключ', 1, null, undefined, ['a'], Object('a')])(
    'cannot be %j',
    (key: unknown) => {
      expect(isSessionKey(key)).toBe(false);
    },
  );
});
