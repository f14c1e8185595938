import { describe, expect, it } from 'vitest';
import { checkTimestamp, readTimestamp } from '../../lib/session/timestamp.js';
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
    expect(checkTimestamp('createdAt', new Date(1_795_336_322_206))).toBe(1_795_336_322_206);
  });

  it.each([new Date(Number.NaN), 1_795_336_322_206, '2026-11-22T08:32:02Z', null, undefined])('is not %s', (date) => {
    expect(refusalOf(() => checkTimestamp('createdAt', date))).toBe(
      'INVALID_SESSION_INFO: session createdAt is not a valid Date',
    );
  });
});

describe('a date of a record in RFC 3339', () => {
  it.each(['0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'])('can be %s', (text) => {
    expect(checkTimestamp('createdAt', new Date(text))).toBe(Date.parse(text));
  });

  it.each(['-000001-12-31T23:59:59.999Z', '+010000-01-01T00:00:00.000Z', '+275760-09-13T00:00:00.000Z'])(
    'cannot be %s',
    (text) => {
      expect(refusalOf(() => checkTimestamp('createdAt', new Date(text)))).toBe(
        'INVALID_SESSION_INFO: session createdAt is not in the years 0 to 9999, as RFC 3339 has it',
      );
    },
  );
});
