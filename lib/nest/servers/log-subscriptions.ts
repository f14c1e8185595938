import type { HandlesMetadata } from '../decorators/metadata.js';
import type { PlannedServer } from './plan-servers.js';

/**
 * What the gateways of a server subscribed to, in the words of Nest, a line for each. Nest itself logs plain handlers, which
 * are left out.
 */
export function describeSubscriptions({ gateways, port, options }: PlannedServer): string[] {
  const place = describePlace(port, options.path);
  return gateways.flatMap(({ definition: { name, handlers } }) =>
    handlers.filter(({ isPlain }) => !isPlain).map((handler) => `${name} subscribed to ${describe(handler)}${place}`),
  );
}

function describe({ kind, target }: HandlesMetadata): string {
  if (target === 'fallback') return `all other ${kind}s`;
  return target.name === '' ? `${kind}s without a name` : `the ${JSON.stringify(target.name)} ${kind}`;
}

/** Nothing for the place where most are. */
function describePlace(port: number | undefined, path: string): string {
  const onPort = port === undefined ? '' : ` on ${port === 0 ? 'a port of its own' : `port ${port}`}`;
  return path === '/' ? onPort : `${onPort} at ${path}`;
}
