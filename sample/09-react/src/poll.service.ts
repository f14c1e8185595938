import { Injectable } from '@nestjs/common';
import type { WebwireConnection } from 'nestjs-webwire';
import { EventEmitter, once } from 'node:events';
import { MEALS, type Meal, type Results } from '../api/poll-api.js';

@Injectable()
export class PollService {
  /** The vote of each page. */
  private readonly votes = new Map<WebwireConnection, Meal | undefined>();
  /** Number of changes. */
  private version = 0;
  private readonly events = new EventEmitter<{ change: [] }>().setMaxListeners(0);

  /** The page has not voted yet. */
  join(page: WebwireConnection): void {
    this.votes.set(page, undefined);
    this.changed();
  }

  vote(page: WebwireConnection, meal: Meal): void {
    this.votes.set(page, meal);
    this.changed();
  }

  leave(page: WebwireConnection): void {
    this.votes.delete(page);
    this.changed();
  }

  /**
   * Gives the results at once, then after changes. Changes that come while they are not asked for are taken together.
   * @param signal When it is aborted, the iteration fails with an `AbortError` instead of waiting for a change.
   */
  async *follow(signal: AbortSignal): AsyncGenerator<Results> {
    let version: number | undefined;
    for (;;) {
      if (version === this.version) await once(this.events, 'change', { signal });
      ({ version } = this);
      yield this.count();
    }
  }

  private changed(): void {
    this.version++;
    this.events.emit('change');
  }

  private count(): Results {
    const given = [...this.votes.values()];
    const votes = Object.fromEntries(MEALS.map((meal) => [meal, given.filter((vote) => vote === meal).length]));
    return { votes: votes as Results['votes'], pages: this.votes.size };
  }
}
