/** A message arrived. */
export class MemoryMessageEvent extends Event {
  constructor(
    /** An `ArrayBuffer`, or a `Blob` where `binaryType` says so. */
    readonly data: ArrayBuffer | Blob,
  ) {
    super('message');
  }
}

/** The connection is gone, or never came about. */
export class MemoryCloseEvent extends Event {
  constructor(
    /** Close code; 1005 if the client gave none, 1006 if the connection broke. */
    readonly code: number,
    readonly reason: string,
    /** Whether both sides took part in closing it. */
    readonly wasClean: boolean,
  ) {
    super('close');
  }
}

/** The connection did not come about; `close` follows. */
export class MemoryErrorEvent extends Event {
  readonly message: string;

  constructor(
    /** Why: a `HandshakeRejection` if the server said so. */
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
