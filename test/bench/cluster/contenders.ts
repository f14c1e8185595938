import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectSocketIo } from './load/socket-io-client.js';
import { connectWebwire } from './load/webwire-client.js';
import type { LoadClient } from './load/client.js';

/** A library that sends signals between nodes. */
export interface Contender {
  readonly name: string;
  /** Path of the program of a node, from the folder of the built benchmark. */
  readonly program: string;
  /** The checkout whose program is run; this one by default. */
  readonly checkout?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly connect: (port: number) => Promise<LoadClient>;
}

const WEBWIRE = { program: 'nodes/webwire.js', connect: connectWebwire };
const SOCKET_IO = { program: 'nodes/socket-io.js', connect: connectSocketIo };

export const CONTENDERS: readonly Contender[] = [
  { name: 'nestjs-webwire, RedisCluster', env: {}, ...WEBWIRE },
  { name: 'socket.io, Redis adapter', env: {}, ...SOCKET_IO },
  { name: 'socket.io, sharded Redis adapter', env: { SHARDED: '1' }, ...SOCKET_IO },
];

/** The nodes of another checkout, and those of this one. */
export function beforeAndAfter(checkout: string): Contender[] {
  return [
    { name: 'before', env: {}, ...WEBWIRE, checkout },
    { name: 'after', env: {}, ...WEBWIRE },
  ];
}

/** The process of a node, and its port. */
export interface RunningNode {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startNode(contender: Contender, redisUrl: string | undefined): Promise<RunningNode> {
  const { program, checkout, env } = contender;
  const folder =
    checkout === undefined ? fileURLToPath(new URL('.', import.meta.url)) : resolve(checkout, '.bench/cluster');
  const child: ChildProcess = fork(resolve(folder, program), {
    env: { ...process.env, NODE_ENV: 'production', ...env, ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }) },
  });
  const [port] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${program} has ended`))),
  ])) as [number];
  return {
    port,
    stop: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
