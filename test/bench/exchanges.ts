import { encodeMessage, MessageType, requestType, replyType, type PayloadEncoding } from 'nestjs-webwire/protocol';

/** A protocol as the load generator uses it: its messages, and the start of a connection. */
export interface Exchange {
  /** Path and query to connect to. */
  readonly path: string;
  /** Start of a connection after its upgrade: messages to wait for, and texts to send. */
  readonly opening: readonly ('message' | { readonly send: string })[];
  /** True if messages are text frames; otherwise they are binary. */
  readonly isText: boolean;
  readonly request: Uint8Array;
  /** The reply to the request. */
  readonly reply: Uint8Array;
  /** A message without a reply. */
  readonly signal: Uint8Array;
  /** Asks the server to send its news to all connections. */
  readonly go: Uint8Array;
  /** The message that the server sends to all connections. */
  readonly news: Uint8Array;
}

/** A text of letters and digits: `size` characters and bytes. */
export function contentOf(size: number): string {
  return '0123456789abcdefghijklmnopqrstuv'.repeat(Math.ceil(size / 32)).slice(0, size);
}

/** The content of the news. */
export const NEWS = contentOf(32);

/** First bytes of messages for servers without a protocol: a signal, and a request for news. */
export const SIGNAL = 0x73;
export const GO = 0x67;

const ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** Echo of bytes, without a protocol. */
export function plain(size: number): Exchange {
  const content = Buffer.from(contentOf(size));
  const [signal, go] = [Buffer.concat([Buffer.of(SIGNAL), content]), Buffer.of(GO)];
  return {
    path: '/',
    opening: [],
    isText: false,
    request: content,
    reply: content,
    signal,
    go,
    news: Buffer.from(NEWS),
  };
}

export function webwire(size: number, encoding: PayloadEncoding = 'binary'): Exchange {
  const payload = Buffer.from(contentOf(size));
  return {
    path: '/',
    opening: ['message'],
    isText: false,
    request: encodeMessage({ type: requestType(encoding), id: ID, name: 'echo', payload }),
    reply: encodeMessage({ type: replyType(encoding), id: ID, payload }),
    signal: encodeMessage({ type: MessageType.SignalBinary, name: 'note', payload }),
    go: encodeMessage({ type: MessageType.SignalBinary, name: 'go' }),
    news: encodeMessage({ type: MessageType.SignalUtf8, name: 'news', payload: Buffer.from(NEWS) }),
  };
}

/** Echo of an object in JSON, of 32 bytes. */
export function webwireJson(): Exchange {
  return echoOfJson('echo', { id: 471, text: 'hello, world' });
}

/** An order, as JSON, which the server validates. */
export const ORDER = {
  product: 'keyboard',
  quantity: 2,
  tags: ['fragile', 'gift'],
  address: { city: 'Utrecht', zip: '3511' },
};

/** Echo of an order in JSON. */
export function webwireOrder(): Exchange {
  return echoOfJson('order', ORDER);
}

function echoOfJson(name: string, value: object): Exchange {
  const payload = Buffer.from(JSON.stringify(value));
  return {
    ...webwire(32, 'utf8'),
    request: encodeMessage({ type: requestType('utf8'), id: ID, name, payload }),
    reply: encodeMessage({ type: replyType('utf8'), id: ID, payload }),
  };
}

/** The protocol of `@nestjs/platform-ws`. */
export function nestEvents(size: number): Exchange {
  const message = (event: string, data: string) => Buffer.from(JSON.stringify({ event, data }));
  const echo = message('echo', contentOf(size));
  return {
    path: '/',
    opening: [],
    isText: true,
    request: echo,
    reply: echo,
    signal: message('note', contentOf(size)),
    go: message('go', ''),
    news: message('news', NEWS),
  };
}

/** The protocol of `@nestjs/platform-socket.io`: packets of Socket.IO in packets of Engine.IO. */
export function socketIo(size: number): Exchange {
  const message = (event: string, data: string) => Buffer.from(`42${JSON.stringify([event, data])}`);
  const echo = message('echo', contentOf(size));
  return {
    path: '/socket.io/?EIO=4&transport=websocket',
    opening: ['message', { send: '40' }, 'message'],
    isText: true,
    request: echo,
    reply: echo,
    signal: message('note', contentOf(size)),
    go: message('go', ''),
    news: message('news', NEWS),
  };
}
