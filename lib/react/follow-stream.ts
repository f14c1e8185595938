import {
  DisconnectedError,
  ServerShutdownError,
  TimeoutError,
  type AbortSignalLike,
  type Contract,
  type WebwireClient,
} from '../client/index.js';

/** The state of a stream in a component. It is immutable. */
export interface StreamState<Item> {
  readonly status:
    /** The stream is not opened, because the option `enabled` is `false`. */
    | 'idle'
    /** No item has arrived yet. */
    | 'opening'
    /** Items arrive. */
    | 'open'
    /** The connection was lost: the stream is opened again on the next one. `error` is the reason. */
    | 'interrupted'
    /** The server has ended the stream. */
    | 'ended'
    /** The stream ended with `error`. */
    | 'failed';
  /** The last item; `undefined` before the first. */
  readonly item: Item | undefined;
  readonly error: unknown;
}

/** Reads a stream to its end, across connections, until `signal` is aborted. */
export async function followStream<Api extends Contract, Item>(
  client: WebwireClient<Api>,
  open: () => AsyncIterable<Item>,
  signal: AbortSignalLike,
  changed: (state: StreamState<Item>) => void,
): Promise<void> {
  let item: Item | undefined;
  for (;;) {
    const replacement = watchConnection(client, signal);
    try {
      for await (item of open()) changed({ status: 'open', item, error: undefined });
      if (!signal.aborted) changed({ status: 'ended', item, error: undefined });
      return;
    } catch (error) {
      if (signal.aborted) return;
      const isInterrupted =
        error instanceof DisconnectedError ||
        error instanceof ServerShutdownError ||
        (error instanceof TimeoutError && client.status !== 'connected');
      if (!isInterrupted || isClosed(client)) return changed({ status: 'failed', item, error });
      changed({ status: 'interrupted', item, error });
      // A stream that has waited in vain waits again. The client might make no attempt to connect otherwise.
      if (!(error instanceof TimeoutError)) await replacement.made();
      if (signal.aborted) return;
      if (isClosed(client)) return changed({ status: 'failed', item, error });
    } finally {
      replacement.stop();
    }
  }
}

function isClosed({ status }: Pick<WebwireClient, 'status'>): boolean {
  return status === 'closing' || status === 'closed';
}

/**
 * Watches the connection from the opening of a stream on. The client may replace it before the stream fails: the items that
 * arrived before are read first, and to validate them may take time.
 */
function watchConnection<Api extends Contract>(client: WebwireClient<Api>, signal: AbortSignalLike) {
  let isLost = false;
  let finish = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const stops = [
    client.on('disconnected', () => {
      isLost = true;
    }),
    client.on('connected', () => isLost && finish()),
    client.subscribe(() => isClosed(client) && finish()),
    () => signal.removeEventListener('abort', finish),
  ];
  signal.addEventListener('abort', finish);
  return {
    /** Resolves when the client has another connection, is closed, or `signal` is aborted. */
    made(): Promise<void> {
      isLost = true;
      return done;
    },
    stop(): void {
      for (const stop of stops) stop();
    },
  };
}
