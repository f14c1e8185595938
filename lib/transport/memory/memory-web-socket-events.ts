/** Event `message` of a `MemoryWebSocket`. */
export class MemoryMessageEvent extends Event {
  constructor(
    /** An `ArrayBuffer`, or a `Blob` if `binaryType` is `'blob'`. */
    readonly data: ArrayBuffer | Blob,
  ) {
    super('message');
  }
}

/** Event `close` of a `MemoryWebSocket`: the connection is closed or could not be established. */
export class MemoryCloseEvent extends Event {
  constructor(
    /** Close code. 1005 if the client gave none, 1006 if the connection broke. */
    readonly code: number,
    readonly reason: string,
    /** `true` if both sides sent a close frame. */
    readonly wasClean: boolean,
  ) {
    super('close');
  }
}

/** Event `error` of a `MemoryWebSocket`: the connection could not be established. The event `close` follows. */
export class MemoryErrorEvent extends Event {
  readonly message: string;

  constructor(
    /** The reason: a `HandshakeRejection` if the server rejected the client. */
    readonly error: Error,
  ) {
    super('error');
    this.message = error.message;
  }
}

/** The events of a `MemoryWebSocket`, by type. */
export interface MemoryWebSocketEvents {
  open: Event;
  message: MemoryMessageEvent;
  error: MemoryErrorEvent;
  close: MemoryCloseEvent;
}
