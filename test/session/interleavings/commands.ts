import * as fc from 'fast-check';
import type { Mishap } from './chaos.js';

/** The session to restore or close; `pick` selects one of the existing sessions. */
export interface Target {
  readonly whose: 'own' | 'any' | 'destroyed' | 'unknown';
  readonly pick: number;
}

export type Action =
  | { readonly does: 'create' | 'logout' | 'close' | 'work' | 'disconnect' }
  | { readonly does: 'restore' | 'close key'; readonly target: Target };

/** One action of a client. A client that is not connected connects first. */
export interface Command {
  readonly client: number;
  readonly action: Action;
  /** Ticks until the next command. */
  readonly gap: number;
}

const target: fc.Arbitrary<Target> = fc.record({
  whose: fc.oneof(
    { arbitrary: fc.constant('any' as const), weight: 6 },
    { arbitrary: fc.constantFrom('own' as const, 'destroyed' as const, 'unknown' as const), weight: 3 },
  ),
  pick: fc.nat({ max: 9 }),
});

const action: fc.Arbitrary<Action> = fc.oneof(
  { arbitrary: fc.record({ does: fc.constant('create' as const) }), weight: 5 },
  { arbitrary: fc.record({ does: fc.constant('restore' as const), target }), weight: 8 },
  { arbitrary: fc.record({ does: fc.constant('close key' as const), target }), weight: 2 },
  { arbitrary: fc.record({ does: fc.constantFrom('close' as const, 'logout' as const) }), weight: 4 },
  { arbitrary: fc.record({ does: fc.constantFrom('disconnect' as const, 'work' as const) }), weight: 4 },
);

/** Short delays are frequent, as operations at the same time are the most likely to fail. */
const ticks = (few: number, many: number) => fc.oneof(fc.nat({ max: few }), fc.nat({ max: many }));

const command: fc.Arbitrary<Command> = fc.record({ client: fc.nat({ max: 3 }), action, gap: ticks(3, 40) });

export const commands = fc.array(command, { minLength: 5, maxLength: 40 });

/** One in eight fails. */
const mishap: fc.Arbitrary<Mishap> = fc.record({
  ticks: ticks(2, 20),
  fails: fc.nat({ max: 7 }).map((number) => number === 7),
});

export const mishaps = fc.array(mishap, { minLength: 1, maxLength: 60 });
