import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connectSocketIo } from './load/socket-io-client.js';
import { connectWebwire } from './load/webwire-client.js';
import type { LoadClient } from './load/client.js';

/** A library that sends signals between nodes. */
export interface Contender {
  readonly name: string;
  readonly program: string;
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

/** The process of a node, and its port. */
export interface RunningNode {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startNode({ program, env }: Contender, redisUrl: string | undefined): Promise<RunningNode> {
  const child: ChildProcess = fork(new URL(program, import.meta.url), {
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
