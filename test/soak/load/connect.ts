import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { GUARDED_PATH } from '../wire.js';
import { Client } from './client.js';
import type { Random } from './random.js';
import type { World } from './world.js';

/** Longest time for an upgrade, in milliseconds. */
const HANDSHAKE_TIMEOUT = 20_000;

type GatewayName = 'plain' | 'narrow' | 'guarded';

/** The gateways, with the shares of the clients; the guarded one gets more clients than it accepts. */
const GATEWAYS = [
  [45, 'plain'],
  [30, 'narrow'],
  [25, 'guarded'],
] as const;

/** A connection to one of the gateways. */
export interface Connected {
  readonly client: Client;
  readonly gateway: GatewayName;
}

/** The present URL of a gateway. */
export function urlOf({ ports }: World, gateway: GatewayName): string {
  return gateway === 'narrow'
    ? `ws://127.0.0.1:${ports.own}/`
    : `ws://127.0.0.1:${ports.http}${gateway === 'guarded' ? GUARDED_PATH : '/'}`;
}

/** Connects to one of the gateways. `undefined` if the server rejects the client for a valid reason. */
export async function connect(world: World, random: Random): Promise<Connected | undefined> {
  const gateway = random.weigh(GATEWAYS);
  const hasMetRestart = world.restarts.watch();
  const socket = new WebSocket(urlOf(world, gateway), {
    // A silent client must not answer pings either.
    autoPong: false,
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
  });
  const client = new Client(world, random.fork(), socket, gateway === 'narrow', hasMetRestart);
  const refusal = await refusalOf(socket);
  if (refusal === undefined) {
    world.tally.opened++;
    return { client, gateway };
  }
  world.tally.refused++;
  const isFull = gateway === 'guarded' && refusal === '503 too many connections';
  // A pause of this process has delayed the upgrade.
  const isLate = refusal.startsWith('408') && world.pulse.hasStopped();
  if (!isFull && !isLate && !hasMetRestart())
    world.failures.add(`A client could not connect to ${gateway}: ${refusal}`);
  return undefined;
}

/** The reason why the server rejects a client; `undefined` if it accepts it. */
function refusalOf(socket: WebSocket): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.once('open', () => resolve(undefined));
    socket.on('error', (error) => resolve(error.message));
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      void text(response)
        .catch((error: Error) => error.message)
        .then((body) => resolve(`${response.statusCode} ${body}`))
        .finally(() => socket.terminate());
    });
  });
}
