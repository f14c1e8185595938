import { WebwireService, type WebwireConnection } from 'nestjs-webwire';
import type { TestApp } from '../../support/test-app.js';
import { pass, type UnreliableSessionManager } from './chaos.js';
import type { Command, Target } from './commands.js';
import { History } from './history.js';
import { MemoryClient } from './memory-client.js';
import { SessionGateway } from './session-gateway.js';

/** Ticks after which everything must have been answered: far more than any run needs. */
const PATIENCE = 5_000;

/** Several clients of one application. A run ends when all requests are answered. */
export class Run {
  readonly history = new History();
  /** All clients that were ever connected. */
  readonly everybody: MemoryClient[] = [];
  /** The largest number of connections that had one session at the same time. */
  most = 0;
  readonly #service: WebwireService;
  readonly #gateway: SessionGateway;
  readonly #clients = new Map<number, MemoryClient>();

  constructor(
    app: TestApp,
    private readonly manager: UnreliableSessionManager,
  ) {
    this.#service = app.get(WebwireService);
    this.#gateway = app.get(SessionGateway);
  }

  get open(): MemoryClient[] {
    return this.everybody.filter(({ isOpen }) => isOpen);
  }

  /** The number of sessions in the registry. */
  get sessionCount(): number {
    return this.#service.sessionCount;
  }

  /** The connections that have a session according to the registry. */
  registered(key: string): readonly WebwireConnection[] {
    return this.#service.sessionConnections(key);
  }

  /** The connections that have a session according to themselves. */
  members(key: string): WebwireConnection[] {
    return this.open.map(({ connection }) => connection).filter(({ session }) => session?.key === key);
  }

  connect(): MemoryClient {
    const client = new MemoryClient(this.#gateway.server, this.history);
    this.everybody.push(client);
    return client;
  }

  async perform({ client: number, action, gap }: Command): Promise<void> {
    const known = this.#clients.get(number);
    const client = known?.isOpen ? known : this.connect();
    this.#clients.set(number, client);
    if (action.does === 'disconnect') client.disconnect();
    else client.request(action.does, 'target' in action ? this.#keyOf(action.target, client) : '');
    await this.#pass(gap);
  }

  /** Waits for all answers. */
  async untilQuiet(): Promise<void> {
    for (let ticks = 0; ticks < PATIENCE && !this.#isQuiet; ticks++) await this.#pass(1);
    // Operations that no client waits for have to end, too.
    await new Promise(setImmediate);
  }

  get #isQuiet(): boolean {
    return !this.manager.isBusy && this.everybody.every(({ isWaiting }) => !isWaiting);
  }

  /** Lets time pass, and counts at every tick the connections of each session. */
  async #pass(ticks: number): Promise<void> {
    for (let tick = 0; tick < ticks; tick++) {
      await pass(1);
      this.history.now++;
      for (const key of this.manager.created) {
        this.most = Math.max(this.most, this.members(key).length, this.registered(key).length);
      }
    }
  }

  #keyOf({ whose, pick }: Target, client: MemoryClient): string {
    const keys = {
      own: client.session === null ? [] : [client.session],
      any: this.manager.created,
      destroyed: [...this.manager.destroyed],
      unknown: [],
    }[whose];
    return keys[pick % keys.length] ?? 'unknown-session';
  }
}
