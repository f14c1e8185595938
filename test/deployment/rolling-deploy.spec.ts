import { WebwireClient } from 'nestjs-webwire/client';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { sendOrder } from '../../sample/08-deployment/src/send-order.js';
import { freePort } from '../support/free-port.js';
import { SampleProgram } from '../support/sample-program.js';
import { describeWithProxy } from './describe-with-proxy.js';
import { Proxy } from './proxy.js';

const CLIENTS = 300;
const SERVERS = 3;

/** Starts a server, and resolves when it accepts clients. */
async function startServer(port: number): Promise<SampleProgram> {
  const server = new SampleProgram('08-deployment', 'src/main.js', { port: String(port) });
  await server.says(/WebWire at \S+ as process \d+/);
  return server;
}

/** Stops a server as a deploy does. Resolves with the number of orders that it has stored, when its process has ended. */
async function stop(server: SampleProgram): Promise<number> {
  await server.end('SIGTERM');
  const [, stored] = await server.says(/Stored (\d+) orders/);
  server.assertNoComplaints();
  return Number(stored);
}

/** Sends one order after the other. */
class Customer {
  readonly client: WebwireClient;
  readonly #number: number;
  #isLeaving = false;
  #orders = 0;
  #confirmed: () => void = () => undefined;
  /** Number of connections that were replaced. */
  moves = 0;

  constructor(url: string, number: number) {
    this.#number = number;
    this.client = new WebwireClient(url, { webSocket: WebSocket });
    this.client.on('connected', ({ isReconnect }) => {
      if (isReconnect) this.moves++;
    });
    onTestFinished(() => this.client.close());
  }

  /** Resolves with the number of orders that were confirmed, after `leave()`. */
  async order(): Promise<number> {
    while (!this.#isLeaving) {
      const order = `${this.#number}/${++this.#orders}`;
      const confirmation = await sendOrder(this.client, order);
      if (!confirmation.startsWith(`${order} is stored`)) throw new Error(`${order} was answered with ${confirmation}`);
      this.#confirmed();
    }
    await this.client.close();
    return this.#orders;
  }

  /** Resolves with the next confirmation of an order. */
  confirmed(): Promise<void> {
    return new Promise((resolve) => {
      this.#confirmed = resolve;
    });
  }

  leave(): void {
    this.#isLeaving = true;
  }
}

describeWithProxy('nginx', 'a rolling deploy behind', () => {
  // It starts six processes, which takes long on a busy machine.
  it(
    `of ${SERVERS} servers loses no request of ${CLIENTS} clients, and handles none twice`,
    { timeout: 180_000 },
    async () => {
      const ports = await Promise.all(Array.from({ length: SERVERS }, () => freePort()));
      const servers = await Promise.all(ports.map(startServer));
      // Without TLS, which would take most of the time.
      const { port: entrance } = await Proxy.start('nginx', ports, [[' ssl;', ';']]);
      const customers = Array.from(
        { length: CLIENTS },
        (_, number) => new Customer(`ws://localhost:${entrance}/`, number),
      );
      const allConfirmed = () => Promise.all(customers.map((customer) => customer.confirmed()));
      const ordering = Promise.all(customers.map((customer) => customer.order()));
      // A failure of a customer ends the test, instead of the wait for its next confirmation.
      const during = <T>(step: Promise<T>) => Promise.race([step, ordering.then(() => step)]);

      let stored = 0;

      for (const [index, port] of ports.entries()) {
        await during(allConfirmed());
        stored += await during(stop(servers[index]!));
        servers[index] = await startServer(port);
      }
      await during(allConfirmed());
      for (const customer of customers) customer.leave();
      const orders = (await ordering).reduce((sum, count) => sum + count);
      const rest = await Promise.all(servers.map(stop));

      // Each order was confirmed once. No order was stored without a confirmation, or by several servers.
      expect(rest.reduce((sum, count) => sum + count, stored)).toBe(orders);
      expect(orders).toBeGreaterThan(CLIENTS * (SERVERS + 1));
      // Each server had clients, which moved to others.
      const moves = customers.reduce((sum, customer) => sum + customer.moves, 0);
      expect(moves).toBeGreaterThan(CLIENTS / 2);
    },
  );
});
