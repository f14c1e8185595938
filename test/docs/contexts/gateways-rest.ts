// docs/gateways.md
import { NestFactory as Factory } from '@nestjs/core';
import { WebwireClient } from 'nestjs-webwire/client';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';

// The port of the page may be taken.
const create = Factory.create.bind(Factory);
Factory.create = async (module: Parameters<typeof create>[0]) => {
  const created = await create(module, { logger: ['error', 'warn'] });
  const listen = created.listen.bind(created);
  created.listen = () => listen(0) as Promise<unknown>;
  return created as never;
};

// block 3

const { port } = app.getHttpServer().address() as AddressInfo;
console.log('route:', await (await fetch(`http://localhost:${port}/api/rooms`)).json());
for (const path of ['/chat', '/api/chat']) {
  const client = new WebwireClient(`ws://localhost:${port}${path}`, { webSocket: WebSocket, retryOn: () => false });
  const result = await client.request('rooms').then(
    (reply) => reply.text(),
    (error: unknown) => (error as { status?: number }).status,
  );
  console.log(path, result);
  await client.close();
}
await app.close();

// Prints:
// route: [ 'Tea' ]
// /chat ["Tea"]
// /api/chat 404
