import { OTHER } from './conventions.js';

/** Longest value of an attribute, in characters. */
const LONGEST_VALUE = 255;

/** Most different error codes in metrics: handlers and servers choose them, perhaps from what the other side has sent. */
export const MAX_ERROR_CODES = 128;

/**
 * Limits the number of different values that an attribute of a metric has. The first ones are kept, and all others become `_OTHER`, so
 * that values which the other side of a connection has chosen take no more memory than a few.
 */
export class Vocabulary {
  readonly #values = new Set<string>();

  /** @param size Most values. */
  constructor(private readonly size: number) {}

  of(value: string): string {
    if (this.#values.has(value)) return value;
    if (this.#values.size >= this.size || value.length > LONGEST_VALUE) return OTHER;
    this.#values.add(value);
    return value;
  }
}
