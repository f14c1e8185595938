import type { ModuleMetadata } from '@nestjs/common';
import { MemoryTransport, type WebwireModuleOptions } from 'nestjs-webwire';
import {
  WebwireClient,
  type AnyContract,
  type ClientOptions,
  type Contract,
  type ContractOptions,
} from 'nestjs-webwire/client';
import { onTestFinished } from 'vitest';
import { TestApp } from '../support/test-app.js';

/** Starts an application with gateways, and returns a function that makes its clients. All are closed after the test. */
export async function startApp(providers: ModuleMetadata['providers'], options: WebwireModuleOptions = {}) {
  const transport = new MemoryTransport();
  const app = await TestApp.start({ providers }, { sessions: false, ...options, transport });
  onTestFinished(() => app.close());
  const connect = <Api extends Contract = AnyContract>(own: ClientOptions & ContractOptions<Api> = {}) => {
    const client = new WebwireClient<Api>('ws://memory', { reconnect: false, ...own, webSocket: transport.webSocket });
    onTestFinished(() => client.close());
    return client.connect().then(() => client);
  };
  return { app, connect };
}

/** The code and message of the error of a promise. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: Error & { code?: string }) => `${error.code ?? error.name}: ${error.message}`,
  );
}
