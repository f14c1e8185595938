import { channel, type Channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { stackOf, type ServerLogger } from './logger.js';

/** Events by name, each with one object: `{ connection: [event: { … }] }`. */
type EventMap<Events> = { readonly [Name in keyof Events]: [event: object] };

/** Whose events they are. */
interface Teller {
  /** What events are of, in words, and the name under which published ones have it: `server`. */
  readonly owner: string;
  /** What precedes the name of the event in the name of its diagnostics channel, without the colon. */
  readonly channels: string;
  readonly logger: () => ServerLogger | undefined;
}

/** Emits events that cost next to nothing when nobody listens; a listener that fails is logged and harms nobody. */
export class DiagnosticsEmitter<Events extends EventMap<Events>> extends EventEmitter<Events> {
  readonly #teller: Teller;

  constructor(teller: Teller) {
    super();
    this.#teller = teller;
  }

  /** Emits an event, and publishes it on its diagnostics channel. */
  protected emitEvent<Name extends keyof Events & string>(name: Name, describe: () => Events[Name][0]): void {
    const { owner, channels } = this.#teller;
    const published = channelOf(`${channels}:${name}`);
    const listeners = this.rawListeners(name as never);
    if (!published.hasSubscribers && listeners.length === 0) return;
    const event = describe();
    for (const listener of listeners) this.#call(name, listener, event);
    published.publish({ ...event, [owner]: this });
  }

  #call(name: string, listener: Function, event: object): void {
    const { owner, logger } = this.#teller;
    const fail = (error: unknown) =>
      logger()?.error(`A listener of the ${owner}'s event ${name} failed`, stackOf(error));
    try {
      const result: unknown = Reflect.apply(listener, this, [event]);
      if (result instanceof Promise) result.catch(fail);
    } catch (error) {
      fail(error);
    }
  }
}

/**
 * Kept for ever, as it is the process's: Node.js 20 lets go of a channel that nobody holds, and when it notices later it
 * forgets who has subscribed under the same name since.
 */
const channels = new Map<string, Channel>();

function channelOf(name: string): Channel {
  const existing = channels.get(name);
  if (existing) return existing;
  const made = channel(name);
  channels.set(name, made);
  return made;
}
