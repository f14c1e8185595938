import { Module } from '@nestjs/common';
import { WebSocketServer } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, WebwireServer } from 'nestjs-webwire';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';
import { webwire } from './config.js';

@WebwireGateway()
class AuthGateway {
  @WebSocketServer() server!: WebwireServer;
  @WebwireRequest('echo') echo() {
    return 'echo';
  }
}

@Module({ imports: [webwire], providers: [AuthGateway] })
class AppModule {}

async function start(port: string | undefined) {
  vi.stubEnv('WEBWIRE_PORT', port);
  const app = await TestApp.startWithout({ imports: [AppModule] });
  onTestFinished(() => app.close());
  return app.get(AuthGateway).server;
}

afterEach(() => void vi.unstubAllEnvs());

it('the configuration gives a gateway its port, and the servers their options', async () => {
  const server = await start('0');
  expect(server.options.readTimeout).toBe(30_000);
  const { port } = server.address as { port: number };
  const client = await WireClient.connect(`ws://127.0.0.1:${port}/`);
  onTestFinished(() => client.socket.terminate());
  expect(await client.ask('echo')).toBe('utf8 echo');
});

it('a missing value fails the start, with its name', async () => {
  await expect(start(undefined)).rejects.toThrow('Configuration key "WEBWIRE_PORT" does not exist');
});

it.for(['abc', '-1', '65536', '80.5'])(
  'a port that cannot be fails the start, with the name of the option: %s',
  async (port) => {
    await expect(start(port)).rejects.toThrow(`AuthGateway.port`);
  },
);
