import { MemorySessionManager, WebwireModule, type WebwireModuleOptions } from 'nestjs-webwire';
import { onTestFinished } from 'vitest';
import { TestApp } from '../support/test-app.js';
import type { Carriage } from './carriages.js';
import { ContractClient } from './contract-client.js';
import { ContractGateway } from './contract.gateway.js';

/** An application that is reached by one of the carriages, until the test is over. */
export interface ContractApp {
  readonly app: TestApp;
  readonly gateway: ContractGateway;
  /** A client that has already been told what the server announces, unless it is to find that in its queue. */
  readonly connect: (options?: { keepAcceptConf?: boolean }) => Promise<ContractClient>;
}

export async function start(carriage: Carriage, options: WebwireModuleOptions = {}): Promise<ContractApp> {
  const { transport, gateway: own = {}, application, connect } = carriage.prepare();
  const sessions = options.sessions ?? {};
  const webwire = WebwireModule.forRoot({
    // For tests that fail while a handler waits.
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
      // Before the application is closed, which waits for clients.
      onTestFinished(() => client.terminate());
      if (!keepAcceptConf) await client.nextBytes();
      return client;
    },
  };
}
