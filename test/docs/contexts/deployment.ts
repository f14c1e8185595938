// docs/deployment.md
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest, type WebwireModuleOptions } from 'nestjs-webwire';
import { ServerShutdownError, WebwireClient } from 'nestjs-webwire/client';
import { createTestClient } from 'nestjs-webwire/testing';
import { serve } from './serve.js';

const settings: WebwireModuleOptions[] = [];
/** Takes the options of the page. */
const WebwireModule = { forRoot: (options: WebwireModuleOptions) => settings.push(options) };

// block 1

let stop = () => Promise.resolve();
@WebwireGateway()
class OrdersGateway {
  static servers = 0;
  readonly number = ++OrdersGateway.servers;

  @WebwireRequest('address') address(@ConnectedSocket() { ip }: WebwireConnection) {
    return ip;
  }
  @WebwireRequest('order') order(@MessageBody() name: string) {
    return `${name} at server ${this.number}`;
  }
  @WebwireRequest('slow order') async slowOrder(@MessageBody() name: string) {
    await stop();
    return this.order(name);
  }
}

for (const options of settings) {
  const app = await serve({ providers: [OrdersGateway] }, options);
  // Two proxies, and what the client has made up.
  const headers = { 'x-forwarded-for': 'made up, 203.0.113.7, 10.0.0.5' };
  const client = createTestClient(app, { headers, remoteAddress: '127.0.0.1' });
  await client.connect();
  console.log((await client.request('address')).text());
  await app.close();
}

OrdersGateway.servers = 0;
const first = await serve({ providers: [OrdersGateway] });
const client = new WebwireClient('ws://localhost');

// block 2

let next: Promise<{ close(): Promise<void> }>;
let orderB: Promise<void> | undefined;
stop = async () => {
  void first.close();
  // The first server has sent its refusal when the second one starts.
  const refused = new Promise((resolve) => client.on('disconnected', resolve));
  orderB = send('order', 'B').then((reply) => console.log(reply.text()));
  const direct = await client.request('order', 'C').catch((error: unknown) => error);
  console.log('C was not handled:', direct instanceof ServerShutdownError);
  void refused.then(() => (next = serve({ providers: [OrdersGateway] })));
};
console.log((await client.request('slow order', 'A')).text());
await orderB;
await client.close();
await (await next!).close();

// Prints:
// 203.0.113.7
// 10.0.0.5
// C was not handled: true
// A at server 1
// B at server 2
