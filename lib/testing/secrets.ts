/** Stands for a secret. */
export const HIDDEN = '…';

/** Names of messages, JSON members, headers and parameters of a query whose content may be a secret. */
const SECRET_NAME =
  /pass(?:word|phrase|wd|code)|secret|token|ticket|jwt|credential|cookie|auth(?!or(?!i[sz]))|sign[-_.]?(?:in|up)|log[-_.]?in|api[-_.]?key|session[-_.]?(?:id|key)|^(?:otp|pin)$/i;

/** JSON Web Tokens, the credentials of a header `authorization`, and session keys of the default length (64 characters). */
const TOKENS = /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|(?<=\b(?:Bearer|Basic) )[^\s"'\\]+|(?<![\w-])[\w-]{64}(?![\w-])/gi;

/** Shorter values of headers and queries are shown: replacing them everywhere would make the record unreadable. */
const MIN_LENGTH = 4;

/** A value of the query of this length may be a secret whatever its name is. */
const MIN_QUERY_LENGTH = 12;

/** Returns `true` if the content of a message or a JSON member with this name may be a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Known secrets of the clients of one server: session keys, and values of headers and queries. */
export class Secrets {
  /** The secrets, also as JSON and URLs escape them. Longer ones come first, because they may contain others. */
  #known: readonly string[] = [];

  addSessionKey(key: string): void {
    this.#add(key);
  }

  addQuery(parameters: Iterable<[name: string, value: string]>): void {
    for (const [name, value] of parameters) {
      if (isSecretName(name) || value.length >= MIN_QUERY_LENGTH) this.#addValue(value);
    }
  }

  addHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): void {
    for (const [name, value = ''] of Object.entries(headers)) {
      if (!isSecretName(name)) continue;
      for (const text of [value].flat()) [text, ...partsOf(text)].forEach((secret) => this.#addValue(secret));
    }
  }

  /** Replaces known secrets, tokens, and the values of JSON members whose names are those of secrets. */
  hideIn(text: string): string {
    const safe = this.#known.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), withoutSecretMembers(text));
    return safe.replaceAll(TOKENS, HIDDEN);
  }

  #addValue(value: string): void {
    if (value.length >= MIN_LENGTH) this.#add(value);
  }

  #add(secret: string): void {
    if (secret === '') return;
    const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
    this.#known = [...new Set([...this.#known, ...forms])].sort((one, other) => other.length - one.length);
  }
}

/** The parts of a header that a server may repeat alone: `x` of `Bearer x` and of `name=x; theme=dark`. Short words are none. */
function partsOf(header: string): string[] {
  return header
    .split(/[\s;,]+/)
    .map((part) => part.replace(/^[\w-]+=(?=[^=])/, ''))
    .filter((part) => !/^[a-z]{1,7}$/i.test(part));
}

function withoutSecretMembers(text: string): string {
  if (!/^\s*[{[]/.test(text)) return text;
  try {
    let isSafe = true;
    const safe: unknown = JSON.parse(text, (name, value: unknown) => {
      if (!isSecretName(name)) return value;
      isSafe = false;
      return HIDDEN;
    });
    // Written anew, the text would lose white space and the digits of large numbers.
    return isSafe ? text : JSON.stringify(safe);
  } catch {
    return text;
  }
}
