import type { HandlesMetadata } from '../decorators/metadata.js';
import type { PlannedServer } from './plan-servers.js';

/** Log lines about the handlers of a server, worded as those of Nest. Plain handlers are left out: Nest logs them itself. */
export function describeSubscriptions({ gateways, port, options }: PlannedServer): string[] {
  const place = describePlace(port, options.path);
  return gateways.flatMap(({ definition: { name, handlers } }) =>
    handlers
      .filter(({ isPlain }) => !isPlain)
      .map((handler) => `${name} subscribed to ${describeMessages(handler)}${place}`),
  );
}

function describeMessages({ kind, target }: HandlesMetadata): string {
  if (target === 'fallback') return `all other ${kind}s`;
  return target.name === '' ? `${kind}s without a name` : `the ${JSON.stringify(target.name)} ${kind}`;
}

/** Port and path in words; empty for the HTTP server and the path `/`, the defaults. */
function describePlace(port: number | undefined, path: string): string {
  const onPort = port === undefined ? '' : ` on ${port === 0 ? 'a port of its own' : `port ${port}`}`;
  return path === '/' ? onPort : `${onPort} at ${path}`;
}
