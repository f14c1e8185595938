import type { AddressInfo } from 'node:net';

/** The part of Bun's `ServerWebSocket` that is used (https://bun.com/docs/runtime/http/websockets). */
export interface BunSocket<Data> {
  readonly data: Data;
  readonly remoteAddress: string;
  /** Copies the message. Returns -1 if it waits because the peer is slow, and 0 if the connection is gone. */
  send(message: Uint8Array): number;
  ping(): number;
  /** Writes everything that `callback` sends in one call. */
  cork(callback: () => void): void;
  /** Bytes that the operating system has not accepted. */
  getBufferedAmount(): number;
  pause(): void;
  /** Delivers no message before it returns. */
  resume(): void;
  /** Calls the handler `close` before it returns. */
  close(code: number, reason: string): void;
  /** Calls the handler `close` before it returns. */
  terminate(): void;
}

/** Options of `Bun.serve`, in the part that is used. */
export interface BunServeOptions<Data> {
  readonly port: number;
  readonly tls: BunTlsOptions | undefined;
  /** In seconds; 0 for no limit. */
  readonly idleTimeout: number;
  /** If `true`, a failure shows its source code to the client. */
  readonly development: boolean;
  /** If `true`, several programs can open the port. */
  readonly reusePort: boolean;
  readonly fetch: (request: Request) => Promise<Response | undefined>;
  readonly websocket: {
    /** In bytes. Bun closes the connection of a client that sends a longer message. */
    readonly maxPayloadLength: number;
    /** In bytes; 0 for no limit. */
    readonly backpressureLimit: number;
    /** In seconds; 0 for no limit. */
    readonly idleTimeout: number;
    readonly sendPings: boolean;
    readonly perMessageDeflate: boolean;
    /** Called by `upgrade()` before it returns. */
    readonly open: (socket: BunSocket<Data>) => void;
    readonly message: (socket: BunSocket<Data>, message: string | Uint8Array) => void;
    readonly ping: (socket: BunSocket<Data>, data: Uint8Array) => void;
    readonly pong: (socket: BunSocket<Data>, data: Uint8Array) => void;
    readonly drain: (socket: BunSocket<Data>) => void;
    /** The code is 1006 if the connection broke, or Bun ended it because of the reason. */
    readonly close: (socket: BunSocket<Data>, code: number, reason: string) => void;
  };
}

/** Options of TLS, in the part that Bun has in common with Node.js. */
export type BunTlsOptions = Readonly<Record<string, unknown>>;

/** The part of Bun's server that is used. */
export interface BunServer<Data> {
  readonly address: AddressInfo | null;
  requestIP(request: Request): { readonly address: string } | null;
  /** Returns `false` if the client has gone. */
  upgrade(request: Request, options: { data: Data; headers: Record<string, string> }): boolean;
  /** Closes the port. Resolves when all connections have ended. */
  stop(): Promise<void>;
}

/** The part of the global `Bun` that is used. */
interface Bun {
  serve<Data>(options: BunServeOptions<Data>): BunServer<Data>;
}

/** @throws Error if this process does not run on Bun. */
export function getBun(): Bun {
  const { Bun: bun } = globalThis as { Bun?: Bun };
  if (bun?.serve) return bun;
  throw new Error(
    'BunTransport needs Bun, but this process runs on another runtime: start the application with `bun --bun`, or use WsTransport',
  );
}
