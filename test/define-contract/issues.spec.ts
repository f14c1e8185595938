import { describe, expect, it } from 'vitest';
import { describeIssues, describePaths } from '../../lib/contract/issues.js';

const text = (...path: (PropertyKey | { key: PropertyKey })[]) => describeIssues([{ message: 'bad', path }]);

describe('the text of issues', () => {
  it('writes paths as code does', () => {
    expect(text('members', 2, 'name')).toBe('members[2].name: bad');
    expect(text(0, 'a')).toBe('[0].a: bad');
    expect(text({ key: 'a' }, { key: 'b c' }, { key: 1 })).toBe('a["b c"][1]: bad');
    expect(text('', '1a', 'ä')).toBe('[""]["1a"].ä: bad');
    expect(text(Symbol('s'))).toBe('["Symbol(s)"]: bad');
    expect(text('__proto__')).toBe('__proto__: bad');
  });

  it('leaves out the path of the value itself', () => {
    expect(text()).toBe('bad');
    expect(describeIssues([{ message: 'bad' }])).toBe('bad');
    expect(describePaths([{ message: 'bad' }, { message: 'bad', path: ['a'] }])).toBe('issues at the top level; "a"');
  });

  it('escapes control characters, line breaks, invisible characters and lone surrogates', () => {
    expect(describeIssues([{ message: 'a\nb\u001b[31m\u2028\u202e\ud800' }])).toBe(
      'a\\u{a}b\\u{1b}[31m\\u{2028}\\u{202e}\\u{d800}',
    );
    expect(text('a\n')).toBe('["a\\n"]: bad');
    expect(text('\u202e')).toBe('["\\u{202e}"]: bad');
  });

  it('lists at most twenty issues, and counts the others', () => {
    const issues = Array.from({ length: 500 }, (_, index) => ({ message: 'bad', path: [index] }));
    expect(describeIssues(issues)).toMatch(/^\[0\]: bad; .*; \[19\]: bad; and 480 more$/);
    expect(describePaths(issues)).toMatch(/^issues at "\[0\]"; .*; "\[19\]"; and 480 more$/);
  });

  it('is of limited length, whatever the issues are', () => {
    const long = 'x'.repeat(100_000);
    const deep = Array.from({ length: 10_000 }, () => long);
    const issues = Array.from({ length: 100 }, () => ({ message: long, path: deep }));
    expect(describeIssues(issues).length).toBeLessThan(2_200);
    expect(describePaths(issues).length).toBeLessThan(2_600);
    expect(
      describeIssues(Array.from({ length: 100 }, () => ({ message: '\u0000'.repeat(1_000) }))).length,
    ).toBeLessThan(2_200);
  });

  it('splits no character in two', () => {
    expect(describeIssues([{ message: `${'x'.repeat(199)}😀` }])).toBe(`${'x'.repeat(199)}\\u{d83d}…`);
  });
});
