/**
 * What the client takes from the platform, as far as it uses it. Browsers' own classes fit, and so do others: users need
 * neither the types of the DOM nor those of Node.
 */

/** A `WebSocket`: of a browser, of the package `ws`, of a `MemoryTransport`. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'message' | 'error' | 'close', listener: (event: object) => void): void;
  /** Cuts the connection. Browsers have no such thing. */
  terminate?(): void;
}

/** Makes a WebSocket. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

/** A `Storage`, such as `localStorage`. */
export interface StorageLike {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/** An `AbortSignal`. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The longest time, in milliseconds, that timers of browsers and Node take. */
export const MAX_TIMER = 0x7fff_ffff;

interface PlatformGlobals {
  readonly WebSocket?: WebSocketConstructor;
  readonly document?: unknown;
  readonly location?: { readonly href: string };
  readonly localStorage?: StorageLike;
}

const globals = globalThis as PlatformGlobals;

/** The platform's own WebSocket. Node has one from version 22 on. */
export function platformWebSocket(): WebSocketConstructor | undefined {
  return globals.WebSocket;
}

/** The parts of a `URL`. */
export interface Url {
  readonly href: string;
  readonly host: string;
  readonly pathname: string;
}

/** An URL made absolute; in a web page it may be relative. Throws a TypeError if it is none. */
export function absoluteUrl(url: string): Url {
  return new URL(url, globals.location?.href);
}

/**
 * `localStorage` of a web page, if it may be used: the mere access throws where the user forbids it. Elsewhere there is
 * none: that of Node is experimental, and warns when it is touched.
 */
export function platformStorage(): StorageLike | undefined {
  try {
    return globals.document === undefined ? undefined : globals.localStorage;
  } catch {
    return undefined;
  }
}
