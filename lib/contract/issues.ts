import type { SchemaIssue } from './standard-schema.js';

/** Most issues that a text lists. */
const MAX_LISTED = 20;

/** Longest path and longest reason of one issue, in characters. */
const MAX_PATH_LENGTH = 120;
const MAX_ISSUE_REASON = 200;

/** The reason of an issue without a text. */
const NO_REASON = 'the schema gives no reason';

/** Longest text, in characters, without the count of the issues that it leaves out. */
const MAX_ISSUES_LENGTH = 2_000;

/** Control characters, invisible ones, line separators and lone surrogates. Reasons may quote what a peer sent. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Path and reason of each issue, such as `members[2].name: expected string`. Its length is limited. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  return list(issues, (issue) => {
    const path = describePath(issue);
    return path === '' ? describeReason(issue) : `${path}: ${describeReason(issue)}`;
  });
}

/** The paths of issues alone, for logs, as a reason may quote the value: `issues at "members[2].name"`. Its length is limited. */
export function describePaths(issues: readonly SchemaIssue[]): string {
  const paths = list(issues, (issue) => {
    const path = describePath(issue);
    return path === '' ? 'the top level' : `"${path}"`;
  });
  return `issues at ${paths}`;
}

function list(issues: readonly SchemaIssue[], describe: (issue: unknown) => string): string {
  // A schema refuses a value with an empty list as well.
  if (issues.length === 0) return describe({});
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

/** The reason of an issue, which comes from a library or the application, and may be anything. */
function describeReason(issue: unknown): string {
  const { message } = (issue ?? {}) as { message?: unknown };
  return typeof message === 'string' && message !== ''
    ? escapeInvisible(shorten(message, MAX_ISSUE_REASON))
    : NO_REASON;
}

/** The path of an issue, which may be anything; empty for the value itself. */
function describePath(issue: unknown): string {
  const { path } = (issue ?? {}) as { path?: unknown };
  if (!Array.isArray(path)) return '';
  let text = '';
  for (const segment of path as unknown[]) {
    text += step(typeof segment === 'object' && segment !== null ? (segment as { key?: unknown }).key : segment);
    if (text.length > MAX_PATH_LENGTH) break;
  }
  return escapeInvisible(shorten(text.replace(/^\./, ''), MAX_PATH_LENGTH));
}

function step(key: unknown): string {
  if (typeof key === 'number') return `[${key}]`;
  // The key of a Map may be an object.
  if (typeof key !== 'string' && typeof key !== 'symbol') return '[?]';
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
