/** A source of random decisions; equal seeds give equal decisions (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0 and less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** An independent source, for code that decides concurrently with other code. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 0x1_0000_0000));
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.between(0, values.length - 1)]!;
  }

  /** One of several values, each with a frequency that corresponds to its weight. */
  weigh<Value>(choices: readonly (readonly [weight: number, value: Value])[]): Value {
    let left = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of choices) {
      left -= weight;
      if (left < 0) return value;
    }
    return choices.at(-1)![1];
  }

  /** Random bytes, at most 64 KiB. They must not be changed. */
  bytes(length: number): Buffer {
    const start = this.between(0, 64 * 1024);
    return POOL.subarray(start, start + length);
  }
}

/** Random bytes from which `bytes()` takes parts, as making random bytes takes longer than sending them. */
const POOL = Buffer.alloc(128 * 1024);
const poolRandom = new Random(1);
for (let index = 0; index < POOL.length; index++) POOL[index] = poolRandom.between(0, 255);
