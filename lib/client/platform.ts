/**
 * What the client takes from the platform, as far as it uses it. Browsers' own classes fit, and so do others: users need
 * neither the types of the DOM nor those of Node.
 */

/** A `WebSocket`: of a browser, Node.js, Bun, Deno or React Native, of the package `ws`, of a `MemoryTransport`. */
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

/**
 * A `Storage`, such as `localStorage`, or one whose methods return promises, as `AsyncStorage` of React Native has them. A
 * method that throws or rejects is ignored.
 */
export interface StorageLike {
  getItem(name: string): string | null | undefined | PromiseLike<string | null | undefined>;
  setItem(name: string, value: string): unknown;
  removeItem(name: string): unknown;
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
  readonly localStorage?: StorageLike;
  readonly setImmediate?: (run: () => void) => unknown;
  addEventListener?(type: 'storage', listener: (event: object) => void): void;
  removeEventListener?(type: 'storage', listener: (event: object) => void): void;
}

const globals = globalThis as PlatformGlobals;

/** The platform's own WebSocket. Node.js has one from version 22 on. */
export function platformWebSocket(): WebSocketConstructor | undefined {
  return globals.WebSocket;
}

/**
 * `localStorage` of a web page, if it may be used: reading the property throws where the user forbids it. Elsewhere it is not
 * used: that of Node.js is experimental, and prints a warning.
 */
export function platformStorage(): StorageLike | undefined {
  try {
    return globals.document === undefined ? undefined : globals.localStorage;
  } catch {
    return undefined;
  }
}

/**
 * Calls a listener when another page has changed a storage that it shares with this one.
 * @returns A function that removes the listener.
 */
export function onStorageEvent(listener: (event: object) => void): () => void {
  if (globals.document === undefined) return () => {};
  globals.addEventListener?.('storage', listener);
  return () => globals.removeEventListener?.('storage', listener);
}

/**
 * `setImmediate()` of Node.js, Bun and Deno; browsers have none. It is read once, so that fake timers of tests do not replace
 * it.
 */
export const immediate = globals.setImmediate;

/** Calls a function after the promise reactions of the present turn of the event loop. */
export const afterTurn: (run: () => void) => void = immediate ?? ((run) => void setTimeout(run, 0));
