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
      await connectedAgain(client, signal);
      if (signal.aborted) return;
      if (isClosed(client)) return changed({ status: 'failed', item, error });
    }
  }
}

function isClosed({ status }: Pick<WebwireClient, 'status'>): boolean {
  return status === 'closing' || status === 'closed';
}

/** Resolves when the client has connected, is closed, or `signal` is aborted. */
function connectedAgain<Api extends Contract>(client: WebwireClient<Api>, signal: AbortSignalLike): Promise<void> {
  return new Promise((resolve) => {
    const stops = [client.on('connected', finish), client.subscribe(() => isClosed(client) && finish())];
    signal.addEventListener('abort', finish);
    function finish(): void {
      signal.removeEventListener('abort', finish);
      for (const stop of stops) stop();
      resolve();
    }
  });
}
