// The platform's APIs that the client uses, with types of its own, so that users need neither the types of the DOM nor those of
// Node.js.

/** The members of a `WebSocket` that the client uses. Those of browsers, Node.js, Bun, Deno, React Native, the package `ws` and `MemoryTransport` match. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'message' | 'error' | 'close', listener: (event: object) => void): void;
  /** Closes the connection at once. Browsers do not have this method. */
  terminate?(): void;
}

/** A constructor of WebSockets, which connects to the URL. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

/**
 * A `Storage`, such as `localStorage`. Its methods may also return promises, as `AsyncStorage` of React Native does. The client
 * ignores errors and rejections.
 */
export interface StorageLike {
  getItem(name: string): string | null | undefined | PromiseLike<string | null | undefined>;
  setItem(name: string, value: string): unknown;
  removeItem(name: string): unknown;
}

/** The members of an `AbortSignal` that the client uses. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  /** Missing in React Native. */
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

interface PlatformGlobals {
  readonly URL?: new (url: string, base?: string) => { readonly href: string };
  readonly location?: { readonly href?: string };
  readonly WebSocket?: WebSocketConstructor;
  readonly document?: unknown;
  readonly navigator?: { readonly userAgent?: string };
  readonly localStorage?: StorageLike;
  readonly setImmediate?: (run: () => void) => unknown;
  addEventListener?(type: string, listener: (event: object) => void): void;
  removeEventListener?(type: string, listener: (event: object) => void): void;
}

export const globals = globalThis as PlatformGlobals;

/** Returns `false` for the `WebSocket` of a browser, also in a worker. */
export function canSendHeaders(webSocket = globals.WebSocket): boolean {
  return webSocket !== globals.WebSocket || !globals.navigator?.userAgent?.startsWith('Mozilla/');
}

/**
 * `localStorage` in a web page; reading the property throws if the user has disabled it. Elsewhere `undefined`, because
 * `localStorage` of Node.js is experimental and prints a warning.
 */
export function platformStorage(): StorageLike | undefined {
  try {
    return globals.document === undefined ? undefined : globals.localStorage;
  } catch {
    return undefined;
  }
}

/**
 * Calls a listener for events of the window, such as `storage`: another page has changed the `localStorage` of this page. Does
 * nothing outside of web pages.
 * @returns A function that removes the listener.
 */
export function onPageEvents(types: readonly string[], listener: (event: object) => void): () => void {
  if (globals.document === undefined) return () => {};
  for (const type of types) globals.addEventListener?.(type, listener);
  return () => types.forEach((type) => globals.removeEventListener?.(type, listener));
}

/**
 * `setImmediate()` of Node.js, Bun and Deno; `undefined` in browsers. It is read once, so that fake timers in tests do not
 * replace it.
 */
export const immediate = globals.setImmediate;

/** Calls a function after the promise reactions of the current turn of the event loop. */
export const afterTurn: (run: () => void) => void = immediate ?? ((run) => void setTimeout(run, 0));
