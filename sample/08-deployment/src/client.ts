/** Sends an order each second. Restart the server, or several behind a proxy one after the other: no order is lost. */
import { setInterval } from 'node:timers/promises';
import { WebwireClient } from 'nestjs-webwire/client';
import { WebSocket } from 'ws';
import { sendOrder } from './send-order.js';

const client = new WebwireClient(process.argv[2] ?? 'ws://localhost:3001', { webSocket: WebSocket });
client.on('disconnected', ({ error }) => console.log(error.message));
client.on('connected', () => console.log(`connected to ${client.url}`));
let number = 0;
for await (const _ of setInterval(1_000)) console.log(await sendOrder(client, `Order ${++number}`));
