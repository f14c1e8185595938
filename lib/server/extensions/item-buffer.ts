import type { Payload } from '../../protocol/index.js';

/** Memory that one waiting item takes in addition to its bytes: an estimate, so that empty items are limited, too. */
const ITEM_OVERHEAD = 64;

/** Counts the bytes of the items that wait in the streams of one connection, and the items that were sent. */
export class ItemBuffer {
  #bytes = 0;
  /** Number of items that were sent and not granted again. */
  #sent = 0;

  /** @param limit In bytes. */
  constructor(private readonly limit: number) {}

  hasRoom(item: Payload): boolean {
    return this.#bytes + itemSize(item) <= this.limit;
  }

  add(item: Payload): void {
    this.#bytes += itemSize(item);
  }

  remove(item: Payload): void {
    this.#bytes -= itemSize(item);
  }

  /** An item was sent. */
  sent(): void {
    this.#sent++;
  }

  /** The client grants as many items as it has consumed. @returns False if all items that were sent are granted already. */
  granted(count: number): boolean {
    if (this.#sent === 0) return false;
    this.#sent = Math.max(this.#sent - count, 0);
    return true;
  }
}

function itemSize({ bytes }: Payload): number {
  return bytes.length + ITEM_OVERHEAD;
}
