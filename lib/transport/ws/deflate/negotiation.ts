/** An extension that a client offers. The value of a parameter without a value is `true`. */
export interface ExtensionOffer {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | true])[];
}

/** The offer that the server accepts. */
export interface AcceptedOffer {
  /** Value of `Sec-WebSocket-Extensions` in the response. */
  readonly header: string;
  /** Base-2 logarithm of the window size for messages of the server. */
  readonly windowBits: number;
}

const TOKEN_CHARACTER = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]";

/** Each character matches only one part of the expression, so matching takes linear time. */
const NAME = new RegExp(`^[ \\t]*(${TOKEN_CHARACTER}+)[ \\t]*$`);
const PARAMETER = new RegExp(
  `^[ \\t]*(${TOKEN_CHARACTER}+)[ \\t]*(?:=[ \\t]*(?:(${TOKEN_CHARACTER}+)|"((?:\\\\?${TOKEN_CHARACTER})+)")[ \\t]*)?$`,
);

/** Window sizes of RFC 7692 except 8, which zlib does not support for compression. */
const WINDOW_BITS = /^(?:9|1[0-5])$/;
const ANY_WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/**
 * Parses the value of a `Sec-WebSocket-Extensions` header (RFC 6455, section 9.1). A quoted value must also be a token, so commas
 * and semicolons are always separators. Returns `undefined` for a malformed header.
 */
export function parseExtensions(header: string): ExtensionOffer[] | undefined {
  const offers: ExtensionOffer[] = [];
  for (const extension of header.split(',')) {
    const [first = '', ...rest] = extension.split(';');
    const name = NAME.exec(first)?.[1];
    const parameters = rest.map((parameter) => PARAMETER.exec(parameter));
    if (name === undefined || parameters.includes(null)) return undefined;
    offers.push({
      name,
      parameters: parameters.map((match) => {
        const [, parameterName, token, quoted] = match!;
        return [parameterName!, token ?? quoted?.replaceAll('\\', '') ?? true];
      }),
    });
  }
  return offers;
}

/**
 * Returns the first acceptable offer of permessage-deflate (RFC 7692, section 7). The accepted parameters forbid both sides to
 * keep state between messages.
 */
export function chooseOffer(offers: readonly ExtensionOffer[]): AcceptedOffer | undefined {
  for (const { name, parameters } of offers) {
    if (name !== 'permessage-deflate') continue;
    const values = new Map(parameters);
    if (values.size < parameters.length || !parameters.every(isValid)) continue;
    const windowBits = values.get('server_max_window_bits');
    const header = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
    if (windowBits === undefined) return { header, windowBits: 15 };
    return { header: `${header}; server_max_window_bits=${windowBits}`, windowBits: Number(windowBits) };
  }
  return undefined;
}

function isValid([name, value]: readonly [string, string | true]): boolean {
  switch (name) {
    case 'server_no_context_takeover':
    case 'client_no_context_takeover':
      return value === true;
    case 'server_max_window_bits':
      return value !== true && WINDOW_BITS.test(value);
    case 'client_max_window_bits':
      return value === true || ANY_WINDOW_BITS.test(value);
    default:
      return false;
  }
}
