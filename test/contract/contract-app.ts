import { MemorySessionManager, WebwireModule, type WebwireModuleOptions } from 'nestjs-webwire';
import { onTestFinished } from 'vitest';
import { TestApp } from '../support/test-app.js';
import type { Carriage } from './carriages.js';
import { ContractClient } from './contract-client.js';
import { ContractGateway } from './contract.gateway.js';

/** An application with one kind of connections, until the end of the test. */
export interface ContractApp {
  readonly app: TestApp;
  readonly gateway: ContractGateway;
  /** Connects a client. The AcceptConf is taken from its queue, unless `keepAcceptConf` is set. */
  readonly connect: (options?: { keepAcceptConf?: boolean }) => Promise<ContractClient>;
}

export async function start(carriage: Carriage, options: WebwireModuleOptions = {}): Promise<ContractApp> {
  const { transport, gateway: own = {}, application, connect } = carriage.prepare();
  const sessions = options.sessions ?? {};
  const webwire = WebwireModule.forRoot({
    // Limits the shutdown if a test fails while a handler waits.
    shutdownTimeout: 5_000,
    ...options,
    ...(transport && { transport }),
    gateways: { ContractGateway: own },
    sessions: sessions && { manager: new MemorySessionManager(), ...sessions },
  });
  const metadata = { imports: [webwire], providers: [ContractGateway] };
  const app = await TestApp.startWithout(metadata, undefined, application);
  onTestFinished(() => app.close());
  return {
    app,
    gateway: app.get(ContractGateway),
    async connect({ keepAcceptConf = false } = {}) {
      const client = await ContractClient.connect((listener) => connect(app, listener));
      // Registered last, so done before the application is closed, which waits for clients.
      onTestFinished(() => client.terminate());
      if (!keepAcceptConf) await client.nextBytes();
      return client;
    },
  };
}
