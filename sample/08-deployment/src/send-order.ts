import { ServerShutdownError, type WebwireClient } from 'nestjs-webwire/client';

/**
 * Sends an order until a server has handled it. A server that shuts down has not handled a request that fails with this error, so
 * that it is safe to send it again. It then waits for the connection to the next server, at most `requestTimeout` each time.
 */
export async function sendOrder(client: WebwireClient, order: string): Promise<string> {
  for (;;) {
    try {
      return (await client.request('order', order)).text();
    } catch (error) {
      if (!(error instanceof ServerShutdownError)) throw error;
    }
  }
}
