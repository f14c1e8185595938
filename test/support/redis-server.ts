import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, Redis, type ClusterOptions } from 'ioredis';
import { describe, vi } from 'vitest';

/** Whether there is a `redis-server` on the PATH, of version 7 or later. */
export const hasRedisServer = /v=(?:[7-9]|\d\d)\./.test(
  spawnSync('redis-server', ['--version']).stdout?.toString() ?? '',
);

/** Groups tests that start a Redis. Without a `redis-server` they are skipped, which CI does not allow. */
export function describeWithRedis(name: string, tests: () => void, timeout = 30_000): void {
  const reason = hasRedisServer ? '' : ' (skipped: there is no redis-server of version 7 or later on the PATH)';
  describe.skipIf(!hasRedisServer)(`${name}${reason}`, { timeout }, () => {
    tests();
  });
}

/** A Redis of one's own, at a free port, with its files in a temporary directory. */
export class RedisServer {
  #process: ChildProcess | undefined;
  #exit: Promise<unknown> | undefined;

  private constructor(
    readonly port: number,
    private readonly directory: string,
    private readonly settings: readonly string[],
  ) {}

  /**
   * @param settings More arguments for `redis-server`.
   * @param persists Whether its data survive a restart.
   */
  static async start({
    persists = false,
    settings = [],
  }: { persists?: boolean; settings?: string[] } = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'webwire-redis-'));
    const durability = persists ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--save', ''];
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(await freePort(), directory, [...durability, ...settings]);
      try {
        await server.startAgain();
        return server;
      } catch (error) {
        // Somebody else may have taken the port meanwhile.
        if (attempt === 5) throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it at the same port, after `kill()`. */
  async startAgain(): Promise<void> {
    const server = spawn(
      'redis-server',
      ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory, ...this.settings],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#process = server;
    this.#exit = once(server, 'exit');
    let output = '';
    const isReady = new Promise<void>((resolve) => {
      server.stdout.on('data', (chunk) => {
        output += String(chunk);
        if (output.includes('Ready to accept connections')) resolve();
      });
    });
    const failed = this.#exit.then(() => {
      throw new Error(`redis-server has ended: ${output}`);
    });
    failed.catch(() => undefined);
    await Promise.race([isReady, failed]);
  }

  /** Ends it without a warning, like a power cut. */
  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#exit;
  }

  /** Removes its data, after `kill()`. */
  async forget(): Promise<void> {
    await rm(join(this.directory, 'appendonlydir'), { recursive: true, force: true });
  }

  /** Lets it answer nothing any more, though its connections stay open. */
  stall(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Ends it, and removes what it left. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Three of them that are a Redis Cluster, each with a third of the slots. */
export class RedisShards {
  private constructor(readonly servers: readonly RedisServer[]) {}

  static async start(): Promise<RedisShards> {
    const busPorts = [await freePort(), await freePort(), await freePort()];
    const starting = busPorts.map((busPort) =>
      RedisServer.start({
        settings: ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000'],
      }),
    );
    const servers = await Promise.all(starting);
    const shards = new RedisShards(servers);
    const clients = servers.map(({ url }) => new Redis(url));
    try {
      const slots = [0, 5_461, 10_923, 16_384];
      for (const [index, client] of clients.entries()) {
        await client.call('cluster', 'addslotsrange', slots[index]!, slots[index + 1]! - 1);
        await client.call('cluster', 'set-config-epoch', index + 1);
        if (index > 0) await clients[0]!.call('cluster', 'meet', '127.0.0.1', servers[index]!.port, busPorts[index]!);
      }
      const isReady = async (client: Redis) => {
        const info = String(await client.call('cluster', 'info'));
        return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
      };
      await vi.waitUntil(async () => (await Promise.all(clients.map(isReady))).every(Boolean), { timeout: 20_000 });
    } finally {
      for (const client of clients) client.disconnect();
    }
    return shards;
  }

  /** A client of the cluster, which is not connected. */
  client(options: ClusterOptions = {}): Cluster {
    return new Cluster(
      this.servers.map(({ port }) => ({ host: '127.0.0.1', port })),
      { lazyConnect: true, ...options },
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
