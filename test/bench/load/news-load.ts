import { setTimeout as delay } from 'node:timers/promises';
import { openClients } from './client.js';
import { FrameCounter } from './frame-counter.js';
import { clientFrame, serverFrame } from './frames.js';
import type { LoadTarget, RunningLoad } from './load.js';

/** News that are on their way at any time, so that the server need not wait until all have been read. */
const GOES_AHEAD = 3;

/** All connections read news; one of them asks for more when all have got them. */
export async function startNews({ port, exchange, connections, depth }: LoadTarget): Promise<RunningLoad> {
  const clients = await openClients(port, exchange, connections);
  const go = clientFrame(exchange.go, exchange.isText);
  const news = serverFrame(exchange.news, exchange.isText);
  const perGo = connections * depth;
  let delivered = 0;
  let asked = 0;
  let isStopping = false;
  const ask = () => {
    while (!isStopping && asked - delivered < GOES_AHEAD * perGo) {
      asked += perGo;
      clients[0]!.socket.write(go);
    }
  };
  for (const client of clients) {
    const counter = new FrameCounter(news);
    client.onReceive = (bytes, length) => {
      delivered += counter.count(bytes, length);
      if (asked - delivered <= (GOES_AHEAD - 1) * perGo) ask();
    };
  }
  ask();
  return {
    get delivered() {
      return delivered;
    },
    takeLatencies: () => [],
    async stop() {
      isStopping = true;
      while (delivered < asked) await delay(1);
      for (const client of clients) client.close();
    },
  };
}
