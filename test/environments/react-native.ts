import { WebSocket as NodeWebSocket } from 'ws';
import type { Globals } from './realm.js';

type Listener = (event: object) => void;

/** The platforms of React Native, by the message of a rejected upgrade. */
const REJECTIONS = {
  android: (status: number) => `Expected HTTP 101 response but was '${status} Unauthorized'`,
  ios: (status: number) => `Received bad response code from server: ${status}.`,
};

export type ReactNativePlatform = keyof typeof REJECTIONS;

/**
 * The `WebSocket` of React Native 0.86, with the package `ws` in the place of its native part. It takes headers in the third argument,
 * delivers ArrayBuffers, and reports the error of a failed connection as the reason of its `close` event.
 */
function webSocketOf(platform: ReactNativePlatform) {
  return class WebSocket {
    readyState = 0;
    bufferedAmount = 0;
    readonly #listeners: [type: string, listener: Listener][] = [];
    readonly #socket: NodeWebSocket;
    #binaryType: string | undefined;

    constructor(url: string, protocols?: unknown, { headers = {} }: { headers?: Record<string, string> } = {}) {
      this.#socket = new NodeWebSocket(url, Array.isArray(protocols) ? (protocols as string[]) : [], { headers });
      this.#socket.binaryType = 'arraybuffer';
      this.#socket.on('open', () => {
        this.readyState = 1;
        this.#dispatch('open', {});
      });
      this.#socket.on('message', (data) => this.#dispatch('message', { data }));
      this.#socket.on('unexpected-response', (_request, { statusCode }) => {
        this.#fail(REJECTIONS[platform](statusCode!));
        this.#socket.terminate();
      });
      this.#socket.on('error', ({ message }) => this.#fail(message));
      this.#socket.on('close', (code, reason) => this.#end({ code, reason: String(reason) }));
    }

    get binaryType(): string | undefined {
      return this.#binaryType;
    }
    set binaryType(binaryType) {
      if (binaryType !== 'arraybuffer') throw new Error('the module for Blobs is not available');
      this.#binaryType = binaryType;
    }

    addEventListener(type: string, listener: Listener): void {
      this.#listeners.push([type, listener]);
    }
    send(data: Uint8Array): void {
      if (this.readyState === 0) throw new Error('INVALID_STATE_ERR');
      this.#socket.send(data);
    }
    close(code?: number, reason?: string): void {
      if (this.readyState >= 2) return;
      this.readyState = 2;
      this.#socket.close(code, reason);
    }

    #fail(message: string): void {
      if (this.readyState === 3) return;
      this.#dispatch('error', {});
      this.#end({ code: 1006, reason: message });
    }
    #end(event: { code: number; reason: string }): void {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.#dispatch('close', event);
    }
    #dispatch(type: string, event: object): void {
      for (const [wanted, listener] of this.#listeners) if (wanted === type) listener(event);
    }
  };
}

/** Has neither `reason` nor the static methods of the standard, as the package that React Native uses. */
class AbortSignal {
  aborted = false;
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: string, listener: () => void): void {
    this.#listeners.add(listener);
  }
  removeEventListener(_type: string, listener: () => void): void {
    this.#listeners.delete(listener);
  }
  static abort(signal: AbortSignal): void {
    signal.aborted = true;
    for (const listener of signal.#listeners) listener();
  }
}

class AbortController {
  readonly signal = new AbortSignal();
  abort(): void {
    AbortSignal.abort(this.signal);
  }
}

/** Changes paths, accepts any text, and has properties that throw, as the one of older versions. */
class URL {
  readonly href: string;
  constructor(url: string) {
    this.href = `${url}/`;
  }
  get host(): never {
    throw new Error('URL.host is not implemented');
  }
}

/** A `TextDecoder` of older versions of Hermes and of polyfills: it has UTF-8 only. */
class Utf8Decoder extends TextDecoder {
  constructor(label: string, options: object) {
    if (label !== 'utf-8') throw new RangeError(`Unknown encoding: ${label}`);
    super(label, options);
  }
}

/**
 * The globals of React Native that matter to clients. It has neither `document`, `location`, `localStorage`, `Event`,
 * `EventTarget`, `BroadcastChannel`, `crypto` nor `structuredClone`.
 *
 * @param hasUtf16 `false` for a `TextDecoder` that has UTF-8 only.
 */
export function reactNativeGlobals(platform: ReactNativePlatform, hasUtf16 = true): Globals {
  return {
    AbortController,
    AbortSignal,
    TextDecoder: hasUtf16 ? TextDecoder : Utf8Decoder,
    TextEncoder,
    URL,
    WebSocket: webSocketOf(platform),
    clearInterval,
    clearTimeout,
    console,
    navigator: { product: 'ReactNative' },
    performance: { now: () => performance.now() },
    process: { env: { NODE_ENV: 'production' } },
    queueMicrotask,
    // It runs before the end of the turn, not after it.
    setImmediate: queueMicrotask,
    setInterval,
    setTimeout,
  };
}
