import { encodeClientSignal, textPayload } from '../protocol/client-messages.js';
import { ITEM_PREFIX, MORE_PREFIX } from '../protocol/extensions.js';
import { throwProtocolError } from '../protocol/server-messages.js';
import { identifierOf, type ClientConnection } from './connection.js';
import { CanceledError, RequestError } from './errors.js';
import { startOperation, type Operation } from './operation.js';
import { ABORT_SIGNAL, MILLISECONDS, type ClientOptionRules } from './option-rules.js';
import type { AbortSignalLike } from './platform.js';
import type { Payload } from '../protocol/index.js';
import type { ReceivedPayload } from './received-payload.js';

/** Options of `stream()`. */
export interface StreamOptions {
  /** When it is aborted, the stream ends with a `CanceledError`, whose `cause` is the reason of the signal. */
  signal?: AbortSignalLike | undefined;
  /**
   * If no item comes within this time, in milliseconds, the stream ends with a `TimeoutError`: at least 1, also `Infinity`. The
   * time passes only while the application waits for an item.
   * @default Infinity
   */
  idleTimeout?: number | undefined;
}

export const STREAM_RULES: ClientOptionRules<StreamOptions> = { signal: ABORT_SIGNAL, idleTimeout: MILLISECONDS };

/** Receives the items of a stream. */
export interface ItemReceiver {
  /** @throws ProtocolError for more items than the client has granted. */
  receive(item: ReceivedPayload): void;
  /** Gives the stream up. */
  fail(error: Error): void;
}

/**
 * Enters the operation, which settles when the server has ended the stream, and calls `opened` when the request was sent on a
 * connection.
 */
export type OpenStream = (operation: Operation<Payload>, opened: (connection: ClientConnection) => void) => void;

/**
 * Opens a stream, and yields its items. The stream is given up when the generator is left.
 * @param openTimeout For the connection on which the stream is opened, in milliseconds.
 * @param receivers The open streams by the name of their signals.
 * @param read Validates an item. Its error ends the stream.
 */
export async function* readStream(
  request: Uint8Array,
  { signal, idleTimeout = Infinity }: StreamOptions,
  openTimeout: number,
  receivers: Map<string, ItemReceiver>,
  enter: OpenStream,
  read: (item: ReceivedPayload) => ReceivedPayload | PromiseLike<ReceivedPayload>,
): AsyncGenerator<ReceivedPayload, undefined> {
  const operation = startOperation<Payload>({ signal }, openTimeout);
  const items: ReceivedPayload[] = [];
  /** Items that were consumed and not yet granted again. */
  let consumed = 0;
  let connection: ClientConnection | undefined;
  let id = '';
  let wake = () => {};
  const settled = () => wake();
  operation.promise.then(settled, settled);
  enter(operation, (opened) => {
    connection = opened;
    id = identifierOf(request);
    receivers.set(ITEM_PREFIX + id, {
      receive(item) {
        if (items.length + consumed >= opened.streamWindow) throwProtocolError('UNEXPECTED_MESSAGE', 0);
        items.push(item);
        wake();
      },
      fail: operation.reject,
    });
    operation.expireAfter(idleTimeout);
  });
  try {
    for (;;) {
      if (items.length === 0 && !operation.isSettled) {
        if (connection) operation.expireAfter(idleTimeout);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        operation.expireAfter(Infinity);
      }
      // Items that were not consumed are given up, too, also those of a stream that the server has ended.
      if (signal?.aborted) throw new CanceledError(undefined, { cause: signal.reason });
      const item = items.shift();
      if (!item) break;
      // Several items are granted with one message.
      if (++consumed >= connection!.streamWindow / 2 && !operation.isSettled) {
        connection!.sendOwn(encodeClientSignal(MORE_PREFIX + id, textPayload(String(consumed))));
        consumed = 0;
      }
      // It also awaits a promise.
      yield read(item);
    }
    const { bytes } = await operation.promise;
    if (bytes.length === 0 && connection?.supports('stream')) return;
    throw new RequestError('EXTENSION_REQUIRED', 'the server sent no stream');
  } finally {
    operation.reject(undefined);
    receivers.delete(ITEM_PREFIX + id);
  }
}
