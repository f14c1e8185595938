import type { HandlesMetadata } from '../decorators/metadata.js';
import type { Route } from './route.js';

type Kind = HandlesMetadata['kind'];

/** Which handler takes which message: the namespace of one server, complete before its first connection. */
export class RoutingTable {
  readonly #routes: Record<Kind, Map<string, Route>> = { request: new Map(), signal: new Map() };
  readonly #fallbacks: Record<Kind, Route | undefined> = { request: undefined, signal: undefined };

  /** @throws Error if another handler takes the same messages; the message names both. */
  add({ kind, target }: HandlesMetadata, route: Route): void {
    const existing = target === 'fallback' ? this.#fallbacks[kind] : this.#routes[kind].get(target.name);
    if (existing) {
      const what = describe(kind, target);
      throw new Error(
        `${named(existing, route)} and ${named(route, existing)} both handle ${what} on one WebWire server`,
      );
    }
    if (target === 'fallback') this.#fallbacks[kind] = route;
    else this.#routes[kind].set(target.name, route);
  }

  /** The handler of a message, the fallback if none has its name. */
  find(kind: Kind, name: string): Route | undefined {
    return this.#routes[kind].get(name) ?? this.#fallbacks[kind];
  }
}

function describe(kind: Kind, target: HandlesMetadata['target']): string {
  if (target === 'fallback') return `the ${kind} fallback`;
  return target.name === '' ? `${kind}s without a name` : `${kind} ${JSON.stringify(target.name)}`;
}

/** A gateway that two modules provide is there twice. */
function named({ handler, module }: Route, other: Route): string {
  return handler === other.handler ? `${handler} of ${module}` : handler;
}
