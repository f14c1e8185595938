import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { tls } from '../support/certificate.js';
import { freePort } from '../support/free-port.js';

/** Folder of the configurations that are tested. */
export const DEPLOYMENT = fileURLToPath(new URL('../../sample/08-deployment/', import.meta.url));

/** Debian installs both programs there, which is not on the PATH of all users. */
const PATH = `${process.env.PATH}:/usr/sbin`;

/** Changes to a configuration: a text in it, and its replacement. */
type Changes = readonly (readonly [text: string, replacement: string])[];

interface Setup {
  /** Folder for the files of the proxy. */
  readonly folder: string;
  /** The configuration of the sample, with the ports of the proxy and the servers. */
  readonly configuration: string;
}

interface Kind {
  /** Name of the configuration in the folder of the sample. */
  readonly file: string;
  /** Changes that make the proxy listen on a port of this machine, with a certificate of the tests. */
  changes(port: number, folder: string): Changes;
  /** Writes the files of the proxy, and returns its arguments. */
  prepare(setup: Setup): Promise<readonly string[]>;
}

const KINDS = {
  nginx: {
    file: 'nginx.conf',
    changes: (port, folder) => [
      ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
      ['/etc/ssl/shop.example.com/fullchain.pem', join(folder, 'cert.pem')],
      ['/etc/ssl/shop.example.com/privkey.pem', join(folder, 'key.pem')],
    ],
    /** Debian's main configuration includes such a file likewise, but needs root. */
    async prepare({ folder, configuration }) {
      const file = join(folder, 'webwire.conf');
      const main = join(folder, 'nginx.conf');
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${join(folder, name)};`,
      );
      await writeFile(file, configuration);
      await writeFile(
        main,
        [
          ...(process.getuid?.() === 0 ? ['user root root;'] : []),
          `daemon off; pid ${join(folder, 'nginx.pid')}; error_log stderr error; worker_processes 2;`,
          'events { worker_connections 2048; }',
          `http { access_log off; ${temporary.join(' ')} include ${file}; }`,
        ].join('\n'),
      );
      return ['-p', folder, '-e', 'stderr', '-c', main];
    },
  },
  haproxy: {
    file: 'haproxy.cfg',
    changes: (port, folder) => [
      [
        'bind :443 ssl crt /etc/haproxy/shop.example.com.pem',
        `bind 127.0.0.1:${port} ssl crt ${join(folder, 'both.pem')}`,
      ],
      // Fewer files than users without root may have open.
      ['maxconn 20000', 'maxconn 450'],
    ],
    async prepare({ folder, configuration }) {
      const file = join(folder, 'haproxy.cfg');
      await writeFile(file, configuration);
      return ['-db', '-f', file];
    },
  },
} satisfies Record<string, Kind>;

export type ProxyKind = keyof typeof KINDS;

/** Reads the configuration of the sample. */
export function readConfiguration(kind: ProxyKind): Promise<string> {
  return readFile(join(DEPLOYMENT, KINDS[kind].file), 'utf8');
}

export function isInstalled(kind: ProxyKind): boolean {
  return spawnSync(kind, ['-v'], { env: { ...process.env, PATH } }).status === 0;
}

/** A proxy with the configuration of the sample, at a free port, until the end of the test. It needs no root. */
export class Proxy {
  #errors = '';
  #wake: () => void = () => undefined;

  private constructor(
    readonly port: number,
    private readonly process: ChildProcess,
  ) {
    process.stderr!.on('data', (text) => {
      this.#errors += String(text);
      this.#wake();
    });
  }

  /**
   * @param servers Ports of the servers. The configuration has up to three: those without a port here refuse connections.
   * @param changes Further changes to the configuration.
   * @param original The configuration, if it is not that of the sample.
   */
  static async start(
    kind: ProxyKind,
    servers: readonly number[],
    changes: Changes = [],
    original?: string,
  ): Promise<Proxy> {
    const kindOf = KINDS[kind];
    const folder = await mkdtemp(join(tmpdir(), `webwire-${kind}-`));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const [name, content] of Object.entries({ cert: tls.cert, key: tls.key, both: `${tls.cert}\n${tls.key}` })) {
      await writeFile(join(folder, `${name}.pem`), content);
    }
    const port = await freePort();
    const ports = await Promise.all([0, 1, 2].map(async (index) => servers[index] ?? freePort()));
    const text = original ?? (await readConfiguration(kind));
    const configuration = applied(text, [
      ...kindOf.changes(port, folder),
      ...ports
        .map((server, index) => [`127.0.0.1:300${index + 1}`, `127.0.0.1:${server}`] as const)
        .filter(([address]) => text.includes(address)),
      ...changes,
    ]);
    const args = await kindOf.prepare({ folder, configuration });
    const proxy = new Proxy(
      port,
      spawn(kind, args, { env: { ...process.env, PATH }, stdio: ['ignore', 'ignore', 'pipe'] }),
    );
    onTestFinished(() => proxy.stop());
    await proxy.#accepts();
    return proxy;
  }

  get url(): string {
    return `wss://localhost:${this.port}/`;
  }

  /** Waits until it has written something to `stderr`. */
  async reports(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#errors)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await ended;
  }

  get #hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Waits until it accepts connections, which no event announces. */
  async #accepts(): Promise<void> {
    for (;;) {
      if (this.#hasEnded) throw new Error(`the proxy has ended: ${this.#errors}`);
      const socket = connect(this.port, '127.0.0.1');
      const isOpen = await new Promise((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      socket.destroy();
      if (isOpen) return;
      await delay(10);
    }
  }
}

/** @throws Error if a text is not in the configuration exactly once. */
function applied(configuration: string, changes: Changes): string {
  let changed = configuration;
  for (const [text, replacement] of changes) {
    const parts = changed.split(text);
    if (parts.length !== 2) throw new Error(`the configuration has ${parts.length - 1} times ${text}`);
    changed = parts.join(replacement);
  }
  return changed;
}
