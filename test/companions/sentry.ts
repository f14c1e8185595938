import * as Sentry from '@sentry/node';
import type { MessageTracing } from 'nestjs-webwire';
import { subscribe } from 'node:diagnostics_channel';

/** Gives each message a scope of its own, and reports the failures of handlers. Call it once, after `Sentry.init()`. */
export function reportToSentry() {
  const scopes = new WeakMap<MessageTracing, Sentry.Scope>();
  for (const kind of ['request', 'signal', 'stream']) {
    const channel = `tracing:nestjs-webwire:${kind}`;
    subscribe(`${channel}:start`, (event) => {
      const message = event as MessageTracing;
      message.wrapHandler((call) =>
        Sentry.withIsolationScope((scope) => {
          scope.setTag('webwire.handler', `${message.gateway}.${message.handler}`);
          scope.setTag('webwire.connection', message.connection.id);
          scopes.set(message, scope);
          call();
        }),
      );
    });
    subscribe(`${channel}:error`, (event) => {
      const message = event as MessageTracing;
      // Refusals are answers of the application.
      if (message.outcome !== 'failed') return;
      Sentry.withIsolationScope(scopes.get(message), () => Sentry.captureException(message.error));
    });
  }
}
