import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plainCodec } from 'nestjs-webwire';
import { toPayload } from '../../lib/server/to-payload.js';

describe('a value that cannot be sent and holds a promise that rejects', () => {
  const unhandled: unknown[] = [];
  const record = (reason: unknown) => unhandled.push(reason);

  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', record);
  });
  afterEach(() => process.off('unhandledRejection', record));

  it.each<[string, (promise: Promise<never>) => unknown]>([
    ['the value itself', (promise) => promise],
    ['a list', (promise) => [promise]],
    ['a member', (promise) => ({ deep: { promise } })],
    ['a Map', (promise) => new Map([['key', promise]])],
    ['the keys of a Map', (promise) => new Map([[promise, 'value']])],
    ['a Set', (promise) => new Set([promise])],
    ['a Map in a list', (promise) => [new Map([['key', promise]])]],
  ])('is refused without an unhandled rejection: %s', async (_, make) => {
    const value = make(Promise.reject(new Error('late')));
    expect(() => toPayload(value, plainCodec)).toThrow(TypeError);
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });
});
