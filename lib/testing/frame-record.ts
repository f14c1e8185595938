import type { MemoryConnectOptions, MemoryWebSocket, MemoryWebSocketConstructor } from '../index.js';
import { decodeMessage, ProtocolError } from '../protocol/index.js';
import { MessageDescriber } from './describe-message.js';
import { HIDDEN, type Secrets } from './secrets.js';
import { cutText, inQuotes } from './text.js';

/** Most entries that are kept of a client: the last ones. */
const MAX_ENTRIES = 1_000;

interface Entry {
  /** Time by `Date.now()`, so that the record shows how far a test has advanced fake timers. */
  readonly at: number;
  /** Position among the entries of all clients. */
  readonly order: number;
  readonly text: string;
}

let entryCount = 0;

/** The messages of one client, in both directions, and the beginning and end of its connections. */
export class FrameRecord {
  readonly startedAt = Date.now();
  readonly entries: Entry[] = [];
  /** Number of entries that are not kept any more. */
  dropped = 0;
  readonly #describer: MessageDescriber;

  /**
   * @param secrets Those of all clients of the server.
   * @param onEntry Called after each entry. `isEnd` is `true` for the end of a connection.
   */
  constructor(
    private readonly secrets: Secrets,
    private readonly onEntry?: (record: FrameRecord, isEnd: boolean) => void,
  ) {
    this.#describer = new MessageDescriber(secrets);
  }

  /** Records a connection from its beginning. */
  follow(socket: MemoryWebSocket, headers: MemoryConnectOptions['headers'] = {}): void {
    const url = new URL(socket.url);
    this.secrets.addHeaders(headers);
    this.secrets.addQuery(url.searchParams);
    this.#add(`  connecting to ${shownUrl(url)}`);
    socket.addEventListener('open', () => this.#add('  connected'));
    socket.addEventListener('message', ({ data }) => this.#addMessage('←', new Uint8Array(data as ArrayBuffer)));
    socket.addEventListener('error', ({ message }) => this.#add(`  not connected: ${this.#shown(message)}`));
    socket.addEventListener('close', ({ code, reason }) => this.#addClose('← closed', code, reason, true));
  }

  /** Records a message that the client sends. */
  sent(message: Uint8Array<ArrayBuffer>): void {
    this.#addMessage('→', message);
  }

  /** Records that the client closes the connection. */
  closing(code = 1005, reason = ''): void {
    this.#addClose('→ close', code, reason, false);
  }

  /** Removes all entries. */
  clear(): void {
    this.entries.length = 0;
    this.dropped = 0;
  }

  #addMessage(direction: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.#add(`${direction} ${this.#described(bytes)}`);
  }

  #described(bytes: Uint8Array<ArrayBuffer>): string {
    try {
      return this.#describer.describe(decodeMessage(bytes));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return `invalid message (${bytes.length} bytes): ${error.code}`;
    }
  }

  #addClose(label: string, code: number, reason: string, isEnd: boolean): void {
    this.#add(`${label} ${code}${reason && ` ${this.#shown(reason)}`}`, isEnd);
  }

  #shown(text: string): string {
    return inQuotes(cutText(this.secrets.hideIn(text)));
  }

  #add(text: string, isEnd = false): void {
    this.entries.push({ at: Date.now(), order: entryCount++, text });
    if (this.entries.length > MAX_ENTRIES) {
      this.entries.shift();
      this.dropped++;
    }
    this.onEntry?.(this, isEnd);
  }
}

/** Makes a class of WebSockets that records what they send and receive. */
export function recordedWebSocket(Socket: MemoryWebSocketConstructor, record: FrameRecord): MemoryWebSocketConstructor {
  return class extends Socket {
    constructor(...parameters: ConstructorParameters<MemoryWebSocketConstructor>) {
      super(...parameters);
      record.follow(this, parameters[2]?.headers);
    }

    override send(message: Uint8Array<ArrayBuffer>): void {
      record.sent(message);
      super.send(message);
    }

    override close(code?: number, reason?: string): void {
      if (this.readyState === this.OPEN) record.closing(code, reason);
      super.close(code, reason);
    }
  };
}

/**
 * Writes one line for each entry of the records, in the order of time. Times are those since the first client was made, in
 * milliseconds. If there are several records, each line has the number of the client.
 */
export function linesOf(records: Iterable<FrameRecord>): string[] {
  const clients = [...records].sort((one, other) => one.startedAt - other.startedAt);
  const dropped = clients.reduce((sum, record) => sum + record.dropped, 0);
  const lines = clients
    .flatMap((record, index) => record.entries.map((entry) => ({ ...entry, client: `client ${index + 1} ` })))
    .sort((one, other) => one.order - other.order)
    .map(({ at, client, text }) => {
      const time = String(at - clients[0]!.startedAt).padStart(6);
      return `${time} ms ${clients.length > 1 ? client : ''}${text}`;
    });
  return dropped > 0 ? [`(${dropped} earlier entries are not kept)`, ...lines] : lines;
}

function shownUrl({ origin, protocol, host, pathname, searchParams }: URL): string {
  const names = [...searchParams.keys()].map((name) => `${encodeURIComponent(name)}=${HIDDEN}`);
  const base = origin === 'null' ? `${protocol}//${host}` : origin;
  return `${base}${pathname}${names.length > 0 ? `?${names.join('&')}` : ''}`;
}
