import { describe, expect, it } from 'vitest';
import { parseTimestamp, readTimestamp } from '../../lib/session/timestamp.js';
import { refusalOf } from './refusal.js';

describe('a time', () => {
  it.each([
    ['2026-11-22T08:32:02Z', '2026-11-22T08:32:02.000Z'],
    ['2026-11-22T08:32:02.2Z', '2026-11-22T08:32:02.200Z'],
    ['2026-11-22T08:32:02.206Z', '2026-11-22T08:32:02.206Z'],
    ['2026-11-22T08:32:02.206995728Z', '2026-11-22T08:32:02.206Z'],
    ['2026-11-22T08:32:02.999999999Z', '2026-11-22T08:32:02.999Z'],
    ['2026-11-22T09:23:39.887549671+01:00', '2026-11-22T08:23:39.887Z'],
    ['2026-11-22T23:23:39-05:30', '2026-11-23T04:53:39.000Z'],
    ['2026-11-22T09:23:39-00:00', '2026-11-22T09:23:39.000Z'],
    ['2026-11-22t09:23:39z', '2026-11-22T09:23:39.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(readTimestamp(text).toISOString()).toBe(time);
  });

  it.each<[unknown, string]>([
    ['', 'nothing'],
    ['2026-11-22', 'no time'],
    ['2026-11-22T08:32:02', 'no zone'],
    ['2026-11-22 08:32:02Z', 'a space'],
    ['2026-11-22T08:32Z', 'no seconds'],
    ['2026-11-22T08:32:02.Z', 'a point without fraction'],
    ['2026-11-22T08:32:02.2069957281Z', 'ten fraction digits'],
    ['2026-11-22T08:32:02,5Z', 'a comma'],
    ['2026-11-22T08:32:02+0100', 'a zone without colon'],
    ['2026-11-22T08:32:02+25:00', 'no such zone'],
    ['2026-13-22T08:32:02Z', 'no such month'],
    ['2026-11-32T08:32:02Z', 'no such day'],
    ['2026-11-22T25:32:02Z', 'no such hour'],
    ['+002026-11-22T08:32:02Z', 'a long year'],
    [' 2026-11-22T08:32:02Z', 'a space before'],
    ['2026-11-22T08:32:02Z\n', 'a line feed after'],
    ['Sun, 22 Nov 2026 08:32:02 GMT', 'what Date reads'],
    [1_795_336_322_000, 'a number'],
    [null, 'null'],
    [undefined, 'undefined'],
  ])('is not %j: %s', (text) => {
    expect(refusalOf(() => readTimestamp(text))).toBe('INVALID_SESSION_INFO: a time of the session is not RFC 3339');
  });
});

describe('a date of a record', () => {
  it('gives its milliseconds', () => {
    expect(parseTimestamp('createdAt', new Date(1_795_336_322_206))).toBe(1_795_336_322_206);
  });

  it.each([new Date(Number.NaN), 1_795_336_322_206, '2026-11-22T08:32:02Z', null, undefined])('is not %s', (date) => {
    expect(refusalOf(() => parseTimestamp('createdAt', date))).toBe(
      'INVALID_SESSION_INFO: session createdAt is not a valid Date',
    );
  });
});
