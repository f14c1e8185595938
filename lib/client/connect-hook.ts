import type { ResolvedClientOptions } from './client-options.js';
import type { ClientConnection } from './connection.js';
import { startOperation, type Operation } from './operation.js';
import { optionFailure } from './target.js';

/** Calls the option `onConnect`, whose messages are sent on the new connection before operations can use it. */
export class ConnectHook {
  #call: Operation<unknown> | undefined;
  #connection: ClientConnection | undefined;

  /** @param established Returns the connection that operations use. */
  constructor(
    private readonly options: Pick<ResolvedClientOptions, 'onConnect' | 'dialTimeout'>,
    private readonly established: () => ClientConnection | undefined,
  ) {}

  /** The new connection, while messages are to be sent on it. */
  get connection(): ClientConnection | undefined {
    return this.#connection;
  }

  /** Calls the option with the client. Rejects if it fails or takes too long. */
  async run(client: object, connection: ClientConnection): Promise<void> {
    const { onConnect, dialTimeout } = this.options;
    if (!onConnect || !connection.isOpen) return;
    const call = startOperation<unknown>({}, dialTimeout);
    this.#call = call;
    call.obstacle = () => 'onConnect has not finished; requests in it need the client that it is given';
    const preferring = new Proxy(client, {
      get: (_, name) => {
        const member: unknown = Reflect.get(client, name, client);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => this.prefer(connection, () => member.apply(client, args) as unknown);
      },
    });
    const result = async () => this.prefer(connection, () => onConnect(preferring as never));
    result().then(call.resolve, call.reject);
    try {
      await call.promise;
    } catch (cause) {
      throw connection.unprepared(optionFailure('onConnect', cause));
    }
  }

  /** While `run` is called, messages are sent on a new connection, unless operations use it meanwhile. Then `run` may await. */
  prefer<Result>(connection: ClientConnection | undefined, run: () => Result): Result {
    const outer = this.#connection;
    this.#connection = connection?.isOpen && connection !== this.established() ? connection : undefined;
    try {
      return run();
    } finally {
      this.#connection = outer;
    }
  }

  /** The connection has ended. */
  lost(error: Error): void {
    this.#call?.reject(error);
  }
}
