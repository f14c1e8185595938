import { Buffer } from 'node:buffer';
import { Socket, type OnReadOpts, type SocketConstructorOpts } from 'node:net';
import type { UpgradedSocket } from './upgraded-socket.js';

/** Most bytes that one read takes from a socket. */
const READ_SIZE = 64 * 1024;

/** All sockets read into this memory, as the bytes of one read are copied before the next one. */
const READ_MEMORY = Buffer.allocUnsafeSlow(READ_SIZE);

/** Called with the number of bytes of a read. @returns `false` to stop reading until the stream reads again. */
type OnRead<Read extends UpgradedSocket> = (this: Read, length: number) => boolean;

/** The parts of a socket of Node.js that are not documented. */
interface SocketInternals {
  /** Absent after the socket is closed. */
  readonly _handle?: { useUserBuffer?(memory: Buffer): void } | null;
}

/** The keys under which a socket keeps `buffer` and `callback` of its option `onread`. */
interface OnReadKeys {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** Absent in other runtimes, and in a Node.js that works in another way. */
const keys = findOnReadKeys();

/**
 * Makes a socket read into memory that is reused, and call `onRead` for each read instead of emitting `data`. Otherwise Node.js
 * allocates 64 KiB for each read, which takes longer than all that a small message needs.
 *
 * Node.js has this as the option `onread` for sockets that a program makes itself. Those of a server get it later, in a way that
 * is not documented: where that is not possible, nothing changes, and the socket emits `data`. A socket to whose `data` others
 * listen also goes on emitting it.
 */
export function reuseReadMemory<Read extends UpgradedSocket>(socket: Read, onRead: OnRead<Read>): void {
  // oxlint-disable-next-line no-underscore-dangle -- not documented
  const handle = (socket as SocketInternals)._handle;
  if (!keys || typeof handle?.useUserBuffer !== 'function' || !(keys.callback in socket)) return;
  if (socket.listenerCount('data') > 0) return;
  Object.assign(socket, { [keys.buffer]: READ_MEMORY, [keys.callback]: onRead });
  handle.useUserBuffer(READ_MEMORY);
}

/** A copy of the bytes of the read that has just ended. A small one is in the pool of Node.js. */
export function copyRead(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  READ_MEMORY.copy(bytes, 0, 0, length);
  return bytes;
}

function findOnReadKeys(): OnReadKeys | undefined {
  const callback = () => true;
  // The types have the option for `connect()` only.
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { onread: { buffer: READ_MEMORY, callback } };
  const probe = new Socket(options);
  const keyOf = (value: unknown) =>
    Object.getOwnPropertySymbols(probe).find((key) => Reflect.get(probe, key) === value);
  const [bufferKey, callbackKey] = [keyOf(READ_MEMORY), keyOf(callback)];
  probe.destroy();
  return bufferKey && callbackKey ? { buffer: bufferKey, callback: callbackKey } : undefined;
}
