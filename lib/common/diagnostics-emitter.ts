import { channel, type Channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { stackOf, type ServerLogger } from './logger.js';

/** Events by name, each with one object as argument: `{ connection: [event: { … }] }`. */
type EventMap<Events> = { readonly [Name in keyof Events]: [event: object] };

/** Describes the object that emits the events. */
interface Source {
  /** Name of the object in log lines, and of the property that published events have it in, such as `server`. */
  readonly owner: string;
  /** Prefix of the names of the diagnostics channels, without the colon. */
  readonly channels: string;
  readonly logger: () => ServerLogger | undefined;
}

/** Emits events, and makes no event object without a listener. The failure of a listener is logged and stops no other. */
export class DiagnosticsEmitter<Events extends EventMap<Events>> extends EventEmitter<Events> {
  readonly #source: Source;

  constructor(source: Source) {
    super();
    this.#source = source;
  }

  /**
   * Emits an event, and publishes it on its diagnostics channel.
   * @param describe Makes the event object. Called only if there is a listener or a subscriber.
   */
  protected emitEvent<Name extends keyof Events & string>(name: Name, describe: () => Events[Name][0]): void {
    const { owner, channels } = this.#source;
    const published = channelOf(`${channels}:${name}`);
    const listeners = this.rawListeners(name as never);
    if (!published.hasSubscribers && listeners.length === 0) return;
    const event = describe();
    for (const listener of listeners) this.#call(name, listener, event);
    published.publish({ ...event, [owner]: this });
  }

  #call(name: string, listener: Function, event: object): void {
    const { owner, logger } = this.#source;
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
 * Keeps all channels of the process. Node.js 20 frees a channel that has no other reference, and may then lose subscribers
 * of a newer channel with the same name.
 */
const channels = new Map<string, Channel>();

function channelOf(name: string): Channel {
  const existing = channels.get(name);
  if (existing) return existing;
  const made = channel(name);
  channels.set(name, made);
  return made;
}
