import { errorMonitor, type EventEmitter } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, type ServerLogger } from '../../common/logger.js';
import type { WebwireServer } from '../../server/server.js';
import type { PlannedServer } from './plan-servers.js';

/** An error of Node's `listen()`. */
interface ListenError extends Error {
  readonly code?: string;
  readonly port?: number;
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: '; another program, or another server of this process, listens there',
  EACCES: '; the user of this process may not open that port',
};

/**
 * Explains an error of `listen()`: the text names the gateways and a remedy.
 * @returns An error with the `code` of the cause, or the cause itself if there is nothing to explain.
 */
export function cannotListen({ port, gateways }: PlannedServer, cause: unknown): unknown {
  const { code } = cause as Partial<ListenError>;
  if (port === undefined || code === undefined || !(code in ADVICE)) return cause;
  const names = gateways.map(({ definition }) => definition.name);
  const message =
    `${names.join(', ')} cannot listen on port ${port}: ${messageOf(cause)}${ADVICE[code]}. ` +
    `Choose another port in the decorator or with the option gateways.${names[0]}.port, ` +
    'or leave it out to use that of the HTTP server';
  return Object.assign(new Error(message, { cause }), { code });
}

/** Logs an error if the HTTP server cannot listen because a gateway has already opened the same port. */
export function explainTakenPort(
  httpServer: HttpServer | undefined,
  servers: ReadonlyMap<WebwireServer, PlannedServer>,
  logger: ServerLogger,
): void {
  const emitter: EventEmitter | undefined = httpServer;
  emitter?.on(errorMonitor, ({ code, port }: ListenError) => {
    if (code !== 'EADDRINUSE') return;
    for (const [server, plan] of servers) {
      if (plan.port === undefined || (server.address as AddressInfo | null)?.port !== port) continue;
      const names = plan.gateways.map(({ definition }) => definition.name).join(', ');
      logger.error(
        `The HTTP server cannot listen on port ${port}, which ${names} already opened: ` +
          'leave the port of the gateway out, so that it shares that of the HTTP server',
      );
    }
  });
}
