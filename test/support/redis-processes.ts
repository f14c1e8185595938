import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, Redis, type ClusterOptions } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';

/** True if there is a `redis-server` of version 7 or later on the PATH. */
export const hasRedisServer = /v=(?:[7-9]|\d\d)\./.test(
  spawnSync('redis-server', ['--version']).stdout?.toString() ?? '',
);

/** A process of Redis at a free port, with its files in a temporary directory. */
export class RedisServer {
  #process: ChildProcess | undefined;
  #exit: Promise<unknown> | undefined;

  private constructor(
    readonly port: number,
    private readonly directory: string,
    private readonly settings: readonly string[],
    private readonly config?: string,
  ) {}

  /**
   * @param settings More arguments for `redis-server`.
   * @param persists True to keep the data after a restart.
   */
  static async start({
    persists = false,
    settings = [],
  }: { persists?: boolean; settings?: string[] } = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'webwire-redis-'));
    const durability = persists ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--save', ''];
    // By default, a replica waits 5 s for others that may come.
    const replication = ['--repl-diskless-sync-delay', '0'];
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(await freePort(), directory, [...durability, ...replication, ...settings]);
      try {
        await server.startAgain();
        return server;
      } catch (error) {
        // Somebody else may have taken the port meanwhile.
        if (attempt === 5) throw error;
      }
    }
  }

  /** A Sentinel that watches a master by the name `main`. */
  static async startSentinel(master: RedisServer): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'webwire-redis-'));
    const config = join(directory, 'sentinel.conf');
    const lines = [
      `sentinel monitor main 127.0.0.1 ${master.port} 2`,
      'sentinel down-after-milliseconds main 1500',
      'sentinel failover-timeout main 6000',
    ];
    await writeFile(config, `${lines.join('\n')}\n`);
    const server = new RedisServer(await freePort(), directory, ['--sentinel'], config);
    await server.startAgain();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it at the same port, after `kill()`. */
  async startAgain(): Promise<void> {
    const server = spawn(
      'redis-server',
      [
        ...(this.config ? [this.config] : []),
        '--port',
        String(this.port),
        '--bind',
        '127.0.0.1',
        '--dir',
        this.directory,
        ...this.settings,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#process = server;
    this.#exit = once(server, 'exit');
    let output = '';
    const isReady = new Promise<void>((resolve) => {
      server.stdout.on('data', (chunk) => {
        output += String(chunk);
        if (/Ready to accept connections|Sentinel ID is/.test(output)) resolve();
      });
    });
    const failed = this.#exit.then(() => {
      throw new Error(`redis-server has ended: ${output}`);
    });
    failed.catch(() => undefined);
    await Promise.race([isReady, failed]);
  }

  /** Kills the process, like a power cut. */
  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#exit;
  }

  /** Removes its data, after `kill()`. */
  async forget(): Promise<void> {
    await rm(join(this.directory, 'appendonlydir'), { recursive: true, force: true });
  }

  /** Stops the process: its connections stay open, but it does not answer. */
  stall(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Kills the process, and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

const SHARDS = 3;
const SLOTS = 16_384;

/** A Redis Cluster of three masters with a third of the slots each. */
export class RedisShards {
  readonly #admins = new Map<RedisServer, Redis>();

  private constructor(
    /** The masters at the start, then a replica of each, if there are any. */
    readonly servers: readonly RedisServer[],
  ) {
    for (const server of servers) this.#admins.set(server, adminOf(server));
  }

  static async start({ hasReplicas = false, persists = false } = {}): Promise<RedisShards> {
    const count = hasReplicas ? 2 * SHARDS : SHARDS;
    const busPorts: number[] = [];
    while (busPorts.length < count) busPorts.push(await freePort());
    const starting = busPorts.map((busPort) =>
      RedisServer.start({
        persists,
        // A replica may be elected however long the election takes on a busy machine; the default is 30 s.
        settings: (
          `--cluster-enabled yes --cluster-port ${busPort} --cluster-node-timeout 2000 ` +
          '--cluster-replica-validity-factor 0'
        ).split(' '),
      }),
    );
    const servers = await Promise.all(starting);
    const shards = new RedisShards(servers);
    const slots = [0, 5_461, 10_923, SLOTS];
    const [first] = servers as [RedisServer];
    for (const [index, server] of servers.entries()) {
      await shards.ask(server, 'set-config-epoch', index + 1);
      if (index < SHARDS) await shards.ask(server, 'addslotsrange', slots[index]!, slots[index + 1]! - 1);
      if (index > 0) await shards.ask(first, 'meet', '127.0.0.1', server.port, busPorts[index]!);
    }
    const isReady = async (server: RedisServer) => {
      const info = await shards.ask(server, 'info');
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`);
    };
    await waitUntil(async () => (await Promise.all(servers.map(isReady))).every(Boolean), 30_000);
    for (const [index, replica] of servers.slice(SHARDS).entries()) {
      await shards.ask(replica, 'replicate', await shards.ask(servers[index]!, 'myid'));
      await shards.replicates(replica);
    }
    return shards;
  }

  /** A client of the cluster, which is not connected. */
  client(options: ClusterOptions = {}): Cluster {
    return new Cluster(this.addresses, { lazyConnect: true, ...options });
  }

  get addresses(): { host: string; port: number }[] {
    return this.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** Runs a `CLUSTER` command. */
  async ask(server: RedisServer, ...args: (string | number)[]): Promise<string> {
    return String(await this.#admins.get(server)!.call('cluster', ...args));
  }

  /** The master of a key or channel, according to one of the other servers. */
  async masterOf(key: string, informant = this.servers[1]!): Promise<RedisServer> {
    const slot = Number(await this.ask(informant, 'keyslot', key));
    const ranges = (await this.#admins.get(informant)!.call('cluster', 'slots')) as [
      number,
      number,
      [string, number],
    ][];
    const [, , [, port]] = ranges.find(([low, high]) => slot >= low && slot <= high)!;
    return this.servers.find((server) => server.port === port)!;
  }

  /** Moves the slot of a key or channel to another master, with all keys in it if that is asked for. */
  async move(key: string, to: RedisServer, { withKeys = false } = {}): Promise<void> {
    const from = await this.masterOf(key);
    if (from === to) return;
    const slot = await this.ask(to, 'keyslot', key);
    const id = await this.ask(to, 'myid');
    try {
      await this.ask(to, 'setslot', slot, 'importing', await this.ask(from, 'myid'));
      await this.ask(from, 'setslot', slot, 'migrating', id);
      if (withKeys) await this.#moveKeys(slot, from, to);
      for (const server of [to, from]) await this.ask(server, 'setslot', slot, 'node', id);
    } catch (error) {
      for (const server of this.servers) await this.ask(server, 'setslot', slot, 'stable').catch(() => undefined);
      throw error;
    }
    for (const server of this.servers) {
      if (server === to || server === from) continue;
      // Replicas follow their masters.
      await this.ask(server, 'setslot', slot, 'node', id).catch(() => undefined);
    }
  }

  /** Removes keys of the slot of one of them. */
  async forget(keys: readonly string[]): Promise<void> {
    await this.#admins.get(await this.masterOf(keys[0]!))!.del(...keys);
  }

  async replicaOf(master: RedisServer): Promise<RedisServer> {
    const id = await this.ask(master, 'myid');
    for (const server of this.servers) {
      const line = (await this.ask(server, 'nodes')).split('\n').find((node) => node.includes('myself'));
      if (line?.split(' ')[3] === id) return server;
    }
    throw new Error('the master has no replica');
  }

  /** Makes the replica the master, and its master the replica. */
  async failOver(replica: RedisServer): Promise<void> {
    await this.ask(replica, 'failover');
    await waitUntil(async () => (await this.#role(replica)).includes('role:master'), 30_000);
  }

  /** Waits until the other masters have elected a replica, after its master has failed. */
  async elected(replica: RedisServer): Promise<void> {
    try {
      await waitUntil(async () => (await this.#role(replica)).includes('role:master'), 60_000);
    } catch {
      throw new Error(`the Redis Cluster has not elected a new master:\n${await this.ask(replica, 'nodes')}`);
    }
  }

  /** Waits until a replica has all that its master has. */
  async replicates(replica: RedisServer): Promise<void> {
    const isUp = async () => (await this.#role(replica)).includes('master_link_status:up');
    await waitUntil(isUp, 30_000);
  }

  async stop(): Promise<void> {
    for (const admin of this.#admins.values()) admin.disconnect();
    for (const server of this.servers) server.resume();
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async #moveKeys(slot: string, from: RedisServer, to: RedisServer): Promise<void> {
    const admin = this.#admins.get(from)!;
    for (;;) {
      const keys = (await admin.call('cluster', 'getkeysinslot', slot, 100)) as string[];
      if (keys.length === 0) return;
      await admin.call('migrate', '127.0.0.1', to.port, '', 0, 5_000, 'replace', 'keys', ...keys);
    }
  }

  /** Sets an option of a server while it runs. */
  async configure(server: RedisServer, name: string, value: string): Promise<void> {
    await this.#admins.get(server)!.config('SET', name, value);
  }

  /** Returns true if all servers see that all slots are served, and each master has a replica that is up to date. */
  async isWhole(): Promise<boolean> {
    const infos = await Promise.all(this.servers.map((server) => this.ask(server, 'info')));
    const roles = await Promise.all(this.servers.map((server) => this.#role(server)));
    const replicas = roles.filter((role) => role.includes('role:slave'));
    return (
      infos.every((info) => info.includes('cluster_state:ok')) &&
      replicas.length === this.servers.length - SHARDS &&
      replicas.every((role) => role.includes('master_link_status:up'))
    );
  }

  async #role(server: RedisServer): Promise<string> {
    return this.#admins.get(server)!.info('replication');
  }
}

/** A master, its replica, and three Sentinels that watch them. */
export class RedisSentinels {
  private constructor(
    readonly master: RedisServer,
    readonly replica: RedisServer,
    private readonly sentinels: readonly RedisServer[],
  ) {}

  static async start(): Promise<RedisSentinels> {
    const master = await RedisServer.start();
    const replica = await RedisServer.start({ settings: ['--replicaof', `127.0.0.1 ${master.port}`] });
    const admin = adminOf(replica);
    const isUp = async () => (await admin.info('replication')).includes('master_link_status:up');
    await waitUntil(isUp, 30_000);
    admin.disconnect();
    const sentinels = await Promise.all([1, 2, 3].map(() => RedisServer.startSentinel(master)));
    const group = new RedisSentinels(master, replica, sentinels);
    const admins = sentinels.map(adminOf);
    const seesAll = async (sentinel: Redis) => {
      const reply = (await sentinel.call('sentinel', 'master', 'main')) as string[];
      const field = (name: string) => reply[reply.indexOf(name) + 1];
      return field('num-other-sentinels') === '2' && field('num-slaves') === '1';
    };
    await waitUntil(async () => (await Promise.all(admins.map(seesAll))).every(Boolean), 30_000);
    for (const sentinel of admins) sentinel.disconnect();
    return group;
  }

  /** Options of ioredis. */
  get connection(): { name: string; sentinels: { host: string; port: number }[] } {
    return { name: 'main', sentinels: this.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })) };
  }

  /** Stops the Sentinel that clients ask first. */
  stallFirstSentinel(): void {
    this.sentinels[0]!.stall();
  }

  /** Makes the replica the master, and the master the replica. */
  async failOver(): Promise<void> {
    const admin = adminOf(this.sentinels.at(-1)!);
    await admin.call('sentinel', 'failover', 'main');
    admin.disconnect();
  }

  /** Waits until the replica has all that the master has. */
  async replicated(): Promise<void> {
    const admin = adminOf(this.master);
    // When this write has arrived, all earlier ones have.
    await admin.set('marker', '');
    await admin.wait(1, 5_000);
    admin.disconnect();
  }

  /** Waits until the Sentinels have made the replica the master. */
  async promoted(): Promise<void> {
    const admin = adminOf(this.sentinels.at(-1)!);
    const port = async () => (await admin.call('sentinel', 'get-master-addr-by-name', 'main')) as string[];
    await waitUntil(async () => Number((await port())[1]) === this.replica.port, 60_000);
    admin.disconnect();
  }

  async stop(): Promise<void> {
    const servers = [...this.sentinels, this.replica, this.master];
    for (const server of servers) server.resume();
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function adminOf({ url }: RedisServer): Redis {
  const admin = new Redis(url, { maxRetriesPerRequest: null });
  // It connects again when the server was killed and started again.
  admin.on('error', () => undefined);
  return admin;
}

/** Waits for something that no event announces. */
export async function waitUntil(isTrue: () => Promise<boolean> | boolean, timeout: number): Promise<void> {
  const deadline = performance.now() + timeout;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`it is not so after ${timeout} ms: ${String(isTrue)}`);
    await delay(100);
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
