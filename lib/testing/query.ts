import { InvalidOptionError } from '../client/index.js';

/** A value of a parameter. @inline */
type QueryValue = string | number | boolean;

/**
 * The query of a URL: a string such as `'token=1&room=a'`, with or without `?`; or an object of parameters, in which `undefined`
 * leaves a parameter out, and an array repeats it; or a `URLSearchParams`.
 */
export type TestClientQuery =
  string | URLSearchParams | Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>;

/**
 * Returns the query as a string.
 * @throws InvalidOptionError whose message names the invalid parameter, but does not contain its value, which may be a secret.
 */
export function queryString(query: TestClientQuery): string {
  if (typeof query === 'string') return query;
  if (isSearchParams(query)) return query.toString();
  if (typeof query !== 'object' || query === null || Symbol.iterator in query) {
    throw invalidQuery('query', query, 'a string, an object of parameters, or a URLSearchParams');
  }
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    const option = `query.${name}`;
    if (Array.isArray(value)) {
      value.forEach((item, index) => parameters.append(name, parameterText(`${option}[${index}]`, item)));
    } else {
      parameters.append(name, parameterText(option, value, ', or an array of them'));
    }
  }
  return parameters.toString();
}

/** Also returns `true` for an object of another realm, such as the sandbox of a test runner. */
function isSearchParams(value: unknown): value is URLSearchParams {
  return Object.prototype.toString.call(value) === '[object URLSearchParams]';
}

function parameterText(option: string, value: unknown, alternative = ''): string {
  const isText = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
  if (!isText) throw invalidQuery(option, value, `a string, a finite number, or a boolean${alternative}`);
  return String(value);
}

function invalidQuery(option: string, value: unknown, allowed: string): InvalidOptionError {
  const isShown = value === null || typeof value === 'number' || Array.isArray(value);
  const shown = isShown ? (Array.isArray(value) ? 'an array' : String(value)) : `of type ${typeof value}`;
  return new InvalidOptionError(`WebWire option ${option} is ${shown}, but must be ${allowed}`);
}
