import { expect, it } from 'vitest';
import type { TestCase } from 'vitest/node';
import { forbiddenSkips } from './closing-line-reporter.js';

const skipped = (note?: string) => ({ result: () => ({ state: 'skipped', note }) }) as unknown as TestCase;

it('a skipped test is forbidden without a reason', () => {
  const test = skipped();
  expect(forbiddenSkips([test], [])).toEqual([test]);
  expect(forbiddenSkips([test], ['Nest 11'])).toEqual([test]);
});

it('a skipped test is forbidden for a reason that is not allowed', () => {
  const test = skipped('there is no browser');
  expect(forbiddenSkips([test], ['Nest 11'])).toEqual([test]);
});

it('a skipped test is allowed for an allowed reason', () => {
  expect(forbiddenSkips([skipped('Nest 11')], ['Bun', 'Nest 11'])).toEqual([]);
});
