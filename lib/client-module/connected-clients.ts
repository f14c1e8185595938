import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DisconnectedError, type WebwireClient } from '../client/index.js';

/** The shutdown of an application waits for replies to its clients at most this long, in milliseconds. */
const SHUTDOWN_TIMEOUT = 10_000;

/**
 * Connects clients when their application has started, and closes them after its handlers have finished and its providers are
 * destroyed, so that those can use the clients until then. Logs connections and errors.
 */
export class ConnectedClients implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('WebwireClient');

  constructor(private readonly clients: ReadonlyMap<string, WebwireClient>) {
    for (const [name, client] of clients) this.#logEvents(JSON.stringify(name), client);
  }

  /** Does not wait for the connections: the application starts even if a server is down. */
  onApplicationBootstrap(): void {
    for (const [name, client] of this.clients) {
      client.connect({ retry: true }).catch((error: Error) => {
        if (client.status === 'disconnected') {
          this.#logger.error(`Client ${JSON.stringify(name)} cannot connect: ${error.name}: ${error.message}`);
        }
      });
    }
  }

  /** Waits for a limited time, because a server may never reply. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.clients].map(([name, client]) => this.#close(JSON.stringify(name), client)));
  }

  async #close(name: string, client: WebwireClient): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#logger.warn(
          `Client ${name} still waits for ${client.pendingRequests} replies; the application closes without them`,
        );
        resolve();
      }, SHUTDOWN_TIMEOUT);
    });
    await Promise.race([client.close(), late]);
    clearTimeout(timer);
  }

  #logEvents(name: string, client: WebwireClient): void {
    let lastKey: string | undefined;
    client.on('connected', () => {
      lastKey = undefined;
      this.#logger.log(`Client ${name} is connected`);
    });
    client.on('reconnecting', ({ error }) => {
      const key = failureKey(error);
      if (key !== lastKey) this.#logger.warn(`Client ${name} has no connection, and tries again: ${error.message}`);
      lastKey = key;
    });
    client.on('disconnected', ({ error, willReconnect }) => {
      // Not while the client closes.
      if (!willReconnect && client.status === 'disconnected') {
        this.#logger.warn(`Client ${name} has no connection, and does not try again: ${error.message}`);
      }
    });
    client.on('sessionClosed', ({ reason }) => {
      if (reason === 'max-connections' || reason === 'restore-failed') {
        this.#logger.warn(`Client ${name} is without its session, and tries to restore it again: ${reason}`);
      }
    });
    client.on('error', ({ error }) => {
      const isError = error instanceof Error;
      this.#logger.error(`Client ${name}: ${isError ? error.message : 'failed'}`, isError ? error.stack : undefined);
    });
  }
}

/** Returns the same key for errors of the same kind, so that repeated attempts log each kind only once. */
function failureKey(error: Error): string {
  if (!(error instanceof DisconnectedError)) return error.name;
  const { code } = Object(error.cause) as { code?: unknown };
  return `${error.closeCode} ${error.status} ${String(code)}`;
}
