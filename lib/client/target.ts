import { isPromiseLike } from '../protocol/promise.js';
import { detailsOf } from './error-details.js';
import { invalidOption } from './option-rules.js';
import { quote } from './quote.js';
import { parseServerUrl, type ClientHeaders, type ServerUrl } from './url.js';

/** A URL as text, or an object like `URL`. */
export type ClientUrl = string | { readonly href: string };

/** A value, or a function that returns it, or a promise of it, and is called before each attempt to connect. */
export type Fresh<Value> = Value | (() => Value | PromiseLike<Value>);

/** URL and headers of one attempt to connect. */
export interface Address {
  readonly url: ServerUrl;
  readonly headers: ClientHeaders | undefined;
}

/** The URL before the first attempt, if only a function has it. */
const UNKNOWN_URL: ServerUrl = { href: 'the server', location: '', shown: 'the server', secrets: [] };

/** The server of a client. */
export class Target {
  /** URL of the last attempt. */
  url = UNKNOWN_URL;
  /** Host and path of the first attempt; empty before it. */
  location = '';

  #url: Fresh<ClientUrl>;

  /** @throws InvalidOptionError for an invalid URL; functions are called later. */
  constructor(
    url: Fresh<ClientUrl>,
    private readonly headers: Fresh<ClientHeaders> | undefined,
  ) {
    this.#url = url;
    if (typeof url === 'function') return;
    this.use(parseServerUrl(url));
    // A relative URL stays the same when the page gets another address.
    this.#url = this.url.href;
  }

  /** Keeps the URL of an attempt. */
  use(url: ServerUrl): void {
    this.url = url;
    this.location ||= url.location;
  }

  /**
   * Calls the functions of the application.
   * @returns A promise only if one of them returns one.
   * @throws Error of `optionFailure()`, InvalidOptionError
   */
  ask(): Address | Promise<Address> {
    const answers = [ask('url', this.#url), ask('headers', this.headers)] as const;
    // oxlint-disable-next-line typescript/await-thenable -- at least one of them is a promise
    if (answers.some(isPromiseLike)) return Promise.all(answers).then(addressWith);
    return addressWith(answers as Answers);
  }
}

/** Makes an error that names the option. Its `cause` is the error of the application's function. */
export function optionFailure(option: string, cause: unknown): Error {
  return new Error(`the option ${option} failed: ${quote(detailsOf(cause).message)}`, { cause });
}

/**
 * Returns the result of a function of the application that cannot be awaited.
 * @throws TypeError for a promise. Its rejection is ignored.
 */
export function synchronous<Result>(option: string, result: Result): Result {
  if (!isPromiseLike(result)) return result;
  result.then(undefined, () => {});
  throw new TypeError(`the option ${option} returned a promise`);
}

/** Returns `true` for an object whose values are strings or `undefined`. `Headers` and `Map` have no such values, but are iterable. */
export function isHeaders(value: unknown): boolean {
  const isText = (text: unknown) => text === undefined || typeof text === 'string';
  return (
    typeof value === 'object' && value !== null && !(Symbol.iterator in value) && Object.values(value).every(isText)
  );
}

/** The results of the application's functions. */
type Answers = readonly [url: ClientUrl, headers: ClientHeaders | undefined];

function ask<Value>(option: string, value: Fresh<Value>): Value | PromiseLike<Value> {
  if (typeof value !== 'function') return value;
  // A promise also for an error that is thrown, because the other function may have returned a promise that rejects.
  const fail = (cause: unknown) => Promise.reject<Value>(optionFailure(option, cause));
  try {
    const answer = (value as () => Value | PromiseLike<Value>)();
    return isPromiseLike(answer) ? Promise.resolve(answer).catch(fail) : answer;
  } catch (cause) {
    return fail(cause);
  }
}

function addressWith([url, headers]: Answers): Address {
  if (headers !== undefined && !isHeaders(headers)) throw invalidOption('headers', {}, 'an object of strings');
  const given = headers && Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return { url: parseServerUrl(url, given), headers: given };
}
