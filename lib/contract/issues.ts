import type { SchemaIssue } from './standard-schema.js';

/** Most issues that a text lists. */
const MAX_LISTED = 20;

/** Longest path and longest reason of one issue, in characters. */
const MAX_PATH_LENGTH = 120;
const MAX_ISSUE_REASON = 200;

/** Longest text, in characters, without the count of the issues that it leaves out. */
const MAX_ISSUES_LENGTH = 2_000;

/** Control characters, invisible ones, line separators and lone surrogates. Reasons may quote what a peer sent. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Path and reason of each issue, such as `members[2].name: expected string`. Its length is limited. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  return list(issues, ({ path = [], message }) => {
    const reason = escapeInvisible(shorten(message, MAX_ISSUE_REASON));
    return path.length === 0 ? reason : `${describePath(path)}: ${reason}`;
  });
}

/** The paths of issues alone, for logs: a reason may quote the value. */
export function describePaths(issues: readonly SchemaIssue[]): string {
  return list(issues, ({ path = [] }) => (path.length === 0 ? '(the value itself)' : describePath(path)));
}

function list(issues: readonly SchemaIssue[], describe: (issue: SchemaIssue) => string): string {
  const listed: string[] = [];
  let length = 0;
  for (const issue of issues.slice(0, MAX_LISTED)) {
    const text = describe(issue);
    length += text.length;
    if (length > MAX_ISSUES_LENGTH) break;
    listed.push(text);
  }
  const rest = issues.length - listed.length;
  return listed.join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}

function describePath(path: NonNullable<SchemaIssue['path']>): string {
  let text = '';
  for (const segment of path) {
    text += step(typeof segment === 'object' ? segment.key : segment);
    if (text.length > MAX_PATH_LENGTH) break;
  }
  return escapeInvisible(shorten(text.replace(/^\./, ''), MAX_PATH_LENGTH));
}

function step(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = shorten(String(key), MAX_PATH_LENGTH);
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
    ? `.${name}`
    : `[${escapeInvisible(JSON.stringify(name))}]`;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

function escapeInvisible(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
