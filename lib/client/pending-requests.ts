import { IDENTIFIER_LENGTH, ProtocolError, type Payload } from '../protocol/index.js';
import type { Operation } from './operation.js';

const HIGH_WORD = 0x1_0000_0000;

/** Where the identifier of a request or reply starts: type · id(8) · … */
const ID_START = 1;

/** The requests that were sent on the present connection and wait for their replies. */
export class PendingRequests {
  readonly #requests = new Map<number, Operation<Payload>>();
  /** Identifiers count from 1, and are never used again (PROTOCOL.md, section 1). */
  #next = 1;
  #firstOfConnection = 1;

  get promises(): Promise<Payload>[] {
    return [...this.#requests.values()].map(({ promise }) => promise);
  }

  /** Writes an identifier into an encoded request, which is to be sent now. */
  add(request: Operation<Payload>, message: Uint8Array): void {
    const id = this.#next++;
    writeId(id, message);
    this.#requests.set(id, request);
    request.release = () => this.#requests.delete(id);
  }

  /**
   * The request that a reply answers. `undefined` if nobody waits any more: the reply is late, or comes twice. These are
   * dropped; telling them apart would take memory for each request that is never answered.
   * @throws ProtocolError for a request that was never sent on this connection.
   */
  find(id: Uint8Array): Operation<Payload> | undefined {
    const number = readId(id);
    if (number < this.#firstOfConnection || number >= this.#next) {
      throw new ProtocolError('UNEXPECTED_MESSAGE', 'reply to a request that was not sent', ID_START);
    }
    return this.#requests.get(number);
  }

  /** The connection is gone: none of them will be answered. */
  fail(error: Error): void {
    this.#firstOfConnection = this.#next;
    for (const request of this.#requests.values()) request.reject(error);
  }
}

/** 8 bytes, little-endian. */
function writeId(id: number, message: Uint8Array): void {
  for (let index = 0, rest = id; index < IDENTIFIER_LENGTH; index++, rest = Math.floor(rest / 256)) {
    message[ID_START + index] = rest % 256;
  }
}

function readId(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, IDENTIFIER_LENGTH);
  return view.getUint32(0, true) + view.getUint32(4, true) * HIGH_WORD;
}
