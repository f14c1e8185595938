import { DisconnectedError, ServerShutdownError, TimeoutError, type WebwireClient } from 'nestjs-webwire/client';

/**
 * Iterates over a stream, and opens it again on the next connection when its own is lost. It ends when the server ends the stream. It
 * throws all other errors of the stream, and that of a lost connection if the client does not connect again.
 *
 * @example
 * const open = () => client.stream('ticks', { symbol: 'ACME' }, { signal });
 * for await (const { body } of acrossConnections(client, open)) show(body.price);
 */
export async function* acrossConnections<Item>(
  client: Pick<WebwireClient, 'status'>,
  open: () => AsyncIterable<Item>,
): AsyncGenerator<Item, void> {
  for (;;) {
    try {
      yield* open();
      return;
    } catch (error) {
      // The stream has waited for a connection as long as `requestTimeout` allows.
      if (error instanceof TimeoutError && client.status !== 'connected') continue;
      const isLost = error instanceof DisconnectedError || error instanceof ServerShutdownError;
      // After `disconnect()` and `close()`, or if `reconnect` or `retryOn` does not allow it, there is no next connection.
      if (!isLost || ['disconnected', 'closing', 'closed'].includes(client.status)) throw error;
    }
  }
}
