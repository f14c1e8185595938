import type { GroupCount, GroupEntry } from '../server/group-member.js';
import { fromWire, type PresenceMessageOf } from './presence-messages.js';

/** The answers of the other nodes to one request for the members of a group, or for their number. */
export class PresenceInquiry {
  readonly entries: GroupEntry[] = [];
  readonly counts: GroupCount[] = [];
  /** The parts of answers that are not complete yet, by node. */
  readonly #parts = new Map<string, { count: number; entries: GroupEntry[] }>();
  readonly #answered = new Set<string>();
  #missing = new Set<string>();
  #wake: (() => void) | undefined;

  isAnsweredBy(node: string): boolean {
    return this.#answered.has(node);
  }

  answered({ from, index, entries, isLast, count }: PresenceMessageOf<'answer'>): void {
    if (this.#answered.has(from)) return;
    if (index === 0) this.#parts.set(from, { count: 0, entries: [] });
    const parts = this.#parts.get(from);
    // An earlier part was lost. The node is asked again, as its answer stays incomplete.
    if (parts?.count !== index) return;
    parts.count++;
    for (const entry of entries) parts.entries.push(fromWire(entry));
    if (!isLast) return;
    this.#answered.add(from);
    this.#parts.delete(from);
    for (const entry of parts.entries) this.entries.push(entry);
    if (count) this.counts.push(count);
    this.#missing.delete(from);
    if (this.#missing.size === 0) this.#wake?.();
  }

  /** Resolves when all `nodes` have answered, or after `timeout` ms. */
  async waitFor(nodes: readonly string[], timeout: number): Promise<void> {
    this.#missing = new Set(nodes.filter((node) => !this.#answered.has(node)));
    if (this.#missing.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, timeout);
    });
    clearTimeout(timer);
  }
}
