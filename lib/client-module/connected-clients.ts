import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DisconnectedError, type WebwireClient } from '../client/index.js';

/** How long the end of an application waits for replies to its clients, in milliseconds. */
const CLOSE_TIMEOUT = 10_000;

/**
 * Ties clients to the life of their application. They connect when it is ready, and close when nothing of it needs them any
 * more: after handlers have finished and providers are destroyed. Connections, and the causes of failures, are logged.
 */
export class ConnectedClients implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('WebwireClient');

  constructor(private readonly clients: ReadonlyMap<string, WebwireClient>) {
    for (const [name, client] of clients) this.#logEvents(JSON.stringify(name), client);
  }

  /** Does not wait: an application starts even if the servers that it talks to are down. */
  onApplicationBootstrap(): void {
    for (const [name, client] of this.clients) {
      client.connect({ retry: true }).catch((error: Error) => {
        if (client.status === 'disconnected') {
          this.#logger.error(`Client ${JSON.stringify(name)} cannot connect: ${error.name}: ${error.message}`);
        }
      });
    }
  }

  /** A server that never answers must not keep the application from its end. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.clients].map(([name, client]) => this.#close(JSON.stringify(name), client)));
  }

  async #close(name: string, client: WebwireClient): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#logger.warn(
          `Client ${name} still waits for ${client.pendingRequests} replies, and is no longer waited for`,
        );
        resolve();
      }, CLOSE_TIMEOUT);
    });
    await Promise.race([client.close(), late]);
    clearTimeout(timer);
  }

  #logEvents(name: string, client: WebwireClient): void {
    let logged: string | undefined;
    client.on('connected', () => {
      logged = undefined;
      this.#logger.log(`Client ${name} is connected`);
    });
    client.on('reconnecting', ({ error }) => {
      const cause = causeOf(error);
      if (cause !== logged) this.#logger.warn(`Client ${name} has no connection, and tries again: ${error.message}`);
      logged = cause;
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

/** Equal for errors of one kind: the log has each of them once, whatever the number of attempts. */
function causeOf(error: Error): string {
  if (!(error instanceof DisconnectedError)) return error.name;
  const { code } = Object(error.cause) as { code?: unknown };
  return `${error.closeCode} ${error.status} ${String(code)}`;
}
