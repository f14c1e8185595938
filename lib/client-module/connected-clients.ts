import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { WebwireClient } from '../client/index.js';

/**
 * Ties clients to the life of their application: they connect when it is ready, and close when nothing of it needs them
 * any more, after handlers have finished and providers have said good-bye. Its log tells how they fare.
 */
export class ConnectedClients implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('WebwireClient');

  constructor(private readonly clients: ReadonlyMap<string, WebwireClient>) {
    for (const [name, client] of clients) this.#logEvents(JSON.stringify(name), client);
  }

  /** Nobody waits: an application starts whether or not those it talks to are there. */
  onApplicationBootstrap(): void {
    for (const [name, client] of this.clients) {
      client.connect({ retry: true }).catch((error: Error) => {
        if (client.status === 'disconnected') {
          this.#logger.error(`Client ${JSON.stringify(name)} cannot connect: ${error.name}: ${error.message}`);
        }
      });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.clients.values()].map((client) => client.close()));
  }

  #logEvents(name: string, client: WebwireClient): void {
    client.on('connected', () => this.#logger.log(`Client ${name} is connected`));
    client.on('reconnecting', ({ attempt, error }) => {
      if (attempt === 1) this.#logger.warn(`Client ${name} has no connection, and tries again: ${error.message}`);
    });
    client.on('error', ({ error }) => {
      const isError = error instanceof Error;
      this.#logger.error(`Client ${name}: ${isError ? error.message : 'failed'}`, isError ? error.stack : undefined);
    });
  }
}
