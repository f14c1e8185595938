import { describe, expect, it } from 'vitest';
import { KeyedQueue } from '../../lib/common/keyed-queue.js';
import { deferred } from '../support/deferred.js';

describe('a keyed queue', () => {
  it('runs the tasks of one key one after the other', async () => {
    const queue = new KeyedQueue();
    const events: string[] = [];
    const first = deferred();
    const runs = ['a', 'b', 'c'].map((name, index) =>
      queue.run('key', async () => {
        events.push(`${name} starts`);
        if (index === 0) await first.promise;
        events.push(`${name} ends`);
      }),
    );
    first.resolve();
    await Promise.all(runs);
    expect(events).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
  });

  it('runs the tasks of different keys at the same time', async () => {
    const queue = new KeyedQueue();
    const two = deferred<string>();
    const one = queue.run('one', () => two.promise);
    await queue.run('two', async () => two.resolve('from the other'));
    expect(await one).toBe('from the other');
  });

  it('runs later tasks after a task that failed', async () => {
    const queue = new KeyedQueue();
    const failing = queue.run('key', () => Promise.reject(new Error('failed')));
    const next = queue.run('key', async () => 'next');
    await expect(failing).rejects.toThrow('failed');
    expect(await next).toBe('next');
  });

  it('forgets keys without tasks', async () => {
    const queue = new KeyedQueue();
    const runs = Array.from({ length: 100 }, (_, index) => queue.run(`key ${index % 10}`, async () => index));
    expect(queue.size).toBe(10);
    await Promise.all(runs);
    expect(queue.size).toBe(0);
    await expect(queue.run('key', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(queue.size).toBe(0);
  });
});
