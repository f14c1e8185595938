import type { Payload } from '../../protocol/index.js';

/** Memory that one waiting item takes in addition to its bytes: an estimate, so that empty items are limited, too. */
const ITEM_OVERHEAD = 64;

/** Counts the bytes of the items that wait in the streams of one connection. */
export class ItemBuffer {
  #bytes = 0;

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
}

function itemSize({ bytes }: Payload): number {
  return bytes.length + ITEM_OVERHEAD;
}
