import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { WriteBatch } from '../../lib/transport/ws/writing/write-batch.js';
import { WriteBufferPool } from '../../lib/transport/ws/writing/write-buffer-pool.js';

/** The members of a socket that a batch uses. */
class FakeSocket {
  readonly writableLength = 0;
  readonly written: string[] = [];
  isDestroyed = false;
  failure: Error | undefined;

  write(bytes: Buffer) {
    if (this.failure) throw this.failure;
    this.written.push(bytes.toString());
  }
  destroy() {
    this.isDestroyed = true;
  }
}

it('data that cannot be written ends its own connection only', async () => {
  const pool = new WriteBufferPool();
  const sockets = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
  const failures: unknown[] = [];
  const batches = sockets.map(
    (socket) => new WriteBatch(socket as unknown as Socket, pool, (error) => failures.push(error)),
  );
  sockets[1]!.failure = new TypeError('the memory is gone');

  pool.beginRead();
  for (const batch of batches) batch.addPiece(Buffer.from('first'));
  pool.endRead();
  expect(failures).toEqual([sockets[1]!.failure]);
  for (const batch of batches.filter((_, n) => n !== 1)) batch.addPiece(Buffer.from('second'));
  await nextTurn();

  expect(sockets.map(({ written }) => written)).toEqual([['first', 'second'], [], ['first', 'second']]);
  expect(sockets.map(({ isDestroyed }) => isDestroyed)).toEqual([false, true, false]);
});
