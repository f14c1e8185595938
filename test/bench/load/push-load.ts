import { NEWS } from '../exchanges.js';
import { openClients, type Client } from './client.js';
import { serverFrame } from './frames.js';
import type { LoadTarget, RunningLoad } from './load.js';
import { goAhead, openStreams, type Source } from './sources.js';

/** Number of messages of one source after which more are requested, as clients of streams do. */
const BATCH = 32;

/** Each connection gets signals of its own, and requests more of them. */
export async function startPushes({ port, exchange, connections }: LoadTarget): Promise<RunningLoad> {
  const clients = await openClients(port, exchange, connections);
  const source = goAhead(exchange);
  for (const client of clients) client.socket.write(Buffer.concat([source.more[0]!, source.more[0]!]));
  return new PushLoad(clients, source);
}

/** Each connection has open streams, and grants more items as it gets some. */
export async function startStreams({ port, exchange, connections, depth }: LoadTarget): Promise<RunningLoad> {
  const clients = await openClients(port, exchange, connections);
  const source = openStreams('news', NEWS, depth, BATCH);
  await Promise.all(clients.map((client) => client.ask(source.question)));
  const load = new PushLoad(clients, source);
  for (const client of clients) client.socket.write(source.open);
  return load;
}

/** Each connection has open streams of large items. It reads them without granting more, or reads nothing. */
export async function startStalledStreams(target: LoadTarget): Promise<RunningLoad> {
  const { port, exchange, connections, depth, isReading } = target;
  const clients = await openClients(port, exchange, connections);
  const { question, open } = openStreams('large', NEWS, depth, BATCH);
  await Promise.all(clients.map((client) => client.ask(question)));
  for (const client of clients) {
    client.onReceive = () => undefined;
    if (!isReading) client.socket.pause();
    client.socket.write(open);
  }
  return new IdleLoad(clients);
}

class IdleLoad implements RunningLoad {
  readonly delivered: number = 0;

  constructor(protected readonly clients: readonly Client[]) {}

  takeLatencies(): number[] {
    return [];
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
  }
}

class PushLoad extends IdleLoad {
  override delivered = 0;

  constructor(clients: readonly Client[], source: Source) {
    super(clients);
    for (const client of clients) this.#count(client, source);
  }

  #count(client: Client, { message, more, indexOf }: Source): void {
    const frame = serverFrame(message, false);
    const counts = new Uint32Array(more.length);
    /** The start of a frame that has not arrived as a whole. */
    let rest = Buffer.alloc(0);
    client.onReceive = (received, length) => {
      const bytes = Buffer.concat([rest, received.subarray(0, length)]);
      const grants: Buffer[] = [];
      let start = 0;
      for (; start + frame.length <= bytes.length; start += frame.length) {
        if (bytes[start] !== frame[0] || bytes[start + 1] !== frame[1]) {
          throw new Error(`a frame that was not expected: ${bytes.toString('hex', start, start + frame.length)}`);
        }
        this.delivered++;
        const index = indexOf(bytes, start);
        if (++counts[index]! % BATCH === 0) grants.push(more[index]!);
      }
      rest = bytes.subarray(start);
      if (grants.length > 0) client.socket.write(Buffer.concat(grants));
    };
  }
}
