import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Contender } from './contenders.js';
import type { Options } from './options.js';
import { Child } from './process/child.js';
import type { Cores } from './process/cores.js';

/** Timeout for the start of a server, in milliseconds. */
const START_TIMEOUT = 20_000;

/** Interval of the samples of a profile, in microseconds. */
const PROFILE_INTERVAL = 200;

/** Part of the error of a server that does not have a variant (`servers/nest-server.ts`). */
const NO_GATEWAY = 'no gateway is called';

/** A running server. */
export interface RunningServer {
  readonly child: Child;
  readonly port: number;
}

/**
 * The processes of a run. Servers and load generator run in separate processes on separate cores, so that the CPU time of
 * each can be measured.
 */
export class Stage {
  readonly generator: Child;
  readonly #servers = new Map<string, Promise<RunningServer>>();

  constructor(
    readonly options: Options,
    private readonly cores: Cores | undefined,
  ) {
    const file = new URL('load/generator.js', import.meta.url);
    this.generator = new Child({ label: 'load generator', file, core: cores?.generator });
  }

  /** The server of a contender, started on first use and then shared. */
  server(contender: Contender, newsPerGo = 1): Promise<RunningServer> {
    const key = [contender.checkout, contender.server, contender.variant, newsPerGo].join(' ');
    const running = this.#servers.get(key) ?? this.#start(contender, newsPerGo);
    this.#servers.set(key, running);
    return running;
  }

  /** Returns false if another checkout, which may be older, does not have the server. @throws Error if it cannot start. */
  async has(contender: Contender, newsPerGo?: number): Promise<boolean> {
    try {
      await this.server(contender, newsPerGo);
      return true;
    } catch (error) {
      if (contender.checkout !== undefined && (error as Error).message.includes(NO_GATEWAY)) return false;
      throw error;
    }
  }

  /** Ends the servers. */
  async clear(): Promise<void> {
    const servers = await Promise.allSettled(this.#servers.values());
    this.#servers.clear();
    await Promise.all(
      servers.map(async (server) => server.status === 'fulfilled' && (await server.value.child.stop())),
    );
  }

  async close(): Promise<void> {
    await this.clear();
    await this.generator.stop();
  }

  async #start(
    { name, server, variant = '', checkout, runtime }: Contender,
    newsPerGo: number,
  ): Promise<RunningServer> {
    const { profile } = this.options;
    const fileName = `${[server, variant].join('-')}.cpuprofile`;
    const profiling = ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${fileName}`];
    const child = new Child({
      label: name,
      file: new URL(
        `servers/${server}.js`,
        checkout ? pathToFileURL(resolve(checkout, '.bench/')) + '/' : import.meta.url,
      ),
      args: [variant, String(newsPerGo)],
      ...(runtime === undefined
        ? {
            nodeArgs: ['--expose-gc', ...(profile ? [...profiling, `--cpu-prof-interval=${PROFILE_INTERVAL}`] : [])],
          }
        : { runtime }),
      core: this.cores?.server,
      isQuiet: checkout !== undefined,
    });
    try {
      return { child, port: await child.ask<number>('port', START_TIMEOUT) };
    } catch (error) {
      await child.stop();
      throw error;
    }
  }
}
