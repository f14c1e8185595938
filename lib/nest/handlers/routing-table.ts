import type { HandlesMetadata } from '../decorators/metadata.js';
import type { Route } from './route.js';

type Kind = 'request' | 'signal';

/** The handlers of one server by kind and name of their messages; those of streams are among those of requests. It is complete before the first connection. */
export class RoutingTable {
  readonly #routes: Record<Kind, Map<string, Route>> = { request: new Map(), signal: new Map() };
  readonly #fallbacks: Record<Kind, Route | undefined> = { request: undefined, signal: undefined };

  /** @throws Error if another handler handles the same messages; its text names both. */
  add({ kind: handled, target }: HandlesMetadata, route: Route): void {
    const kind = handled === 'signal' ? 'signal' : 'request';
    const existing = target === 'fallback' ? this.#fallbacks[kind] : this.#routes[kind].get(target.name);
    if (existing) {
      const messages = describeTarget(kind, target);
      throw new Error(
        `${named(existing, route)} and ${named(route, existing)} both handle ${messages} on one WebWire server`,
      );
    }
    if (target === 'fallback') this.#fallbacks[kind] = route;
    else this.#routes[kind].set(target.name, route);
  }

  /** The handler of a message, else the fallback. */
  find(kind: Kind, name: string): Route | undefined {
    return this.#routes[kind].get(name) ?? this.#fallbacks[kind];
  }
}

function describeTarget(kind: Kind, target: HandlesMetadata['target']): string {
  if (target === 'fallback') return `the ${kind} fallback`;
  return target.name === '' ? `${kind}s without a name` : `${kind} ${JSON.stringify(target.name)}`;
}

/** Names a handler, with its module if two modules provide the same gateway. */
function named({ handler, module }: Route, other: Route): string {
  return handler === other.handler ? `${handler} of ${module}` : handler;
}
