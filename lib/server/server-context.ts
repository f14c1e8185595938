import type { ServerLogger } from '../common/logger.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';
import type { SessionService } from '../session/session-service.js';
import type { ActiveHandlers } from './active-handlers.js';
import type { Dispatcher } from './ports/dispatcher.js';
import type { ResolvedServerOptions } from './server-options.js';
import type { MessageTracer } from './tracing/message-tracer.js';

/** The values and services that a server shares with its connections. */
export interface ServerContext<Connection extends { readonly isShutDown: boolean }> {
  readonly options: ResolvedServerOptions;
  /** Encodes the signals of the server. */
  readonly codec: PayloadCodec;
  readonly logger: ServerLogger;
  readonly dispatcher: Dispatcher<Connection>;
  /** `null` if sessions are off. */
  readonly sessions: SessionService | null;
  readonly activeHandlers: ActiveHandlers;
  readonly tracer: MessageTracer<unknown, Connection>;
}
