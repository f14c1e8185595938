import { encodeMessage, MessageType, ProtocolError } from '../../protocol/index.js';
import { isReserved, RESERVED_PREFIX } from '../../protocol/extensions.js';
import { checkAll, stringThat, type OptionRules } from '../../common/options.js';
import { isEntry } from '../../contract/define-contract.js';
import type { ContractEntry } from '../../contract/entries.js';
import { jsonCodec, type PayloadCodec } from '../../protocol/payload-codec.js';
import { CODEC_RULE } from '../../server/server-options.js';
import { assertResult } from './handler-result.js';
import { WEBWIRE_HANDLES, WEBWIRE_METHODS, type HandlesMetadata } from '../decorators/metadata.js';
import {
  DESCRIPTION_RULES,
  type AnyDescription,
  type RequestDescription,
  type SignalDescription,
  type StreamDescription,
} from './handler-description.js';

/** Options of handlers of all kinds. `@WebwireStream()` has no `fallback`. */
export interface WebwireHandlerOptions {
  /**
   * Name of the messages: at most 255 printable ASCII characters.
   * @default '' (messages without a name)
   */
  name?: string;
  /**
   * `true` handles all messages that no other handler of the server handles.
   * @default false
   */
  fallback?: boolean;
  /**
   * Decodes bodies and encodes return values.
   * @default the codec of the gateway, else that of the module
   */
  codec?: PayloadCodec;
}

/** Options of `@WebwireRequest()`. All but `name`, `fallback` and `codec` describe the request in documents. */
export interface WebwireRequestOptions extends WebwireHandlerOptions, RequestDescription {}

/** Options of `@WebwireStream()`. All but `name` and `codec` describe the stream in documents. */
export interface WebwireStreamOptions extends Omit<WebwireHandlerOptions, 'fallback'>, StreamDescription {}

/** Options of `@WebwireSignal()`. All but `name`, `fallback` and `codec` describe the signal in documents. */
export interface WebwireSignalOptions extends WebwireHandlerOptions, SignalDescription {}

type AnyOptions = WebwireHandlerOptions & AnyDescription;

const HANDLER_RULES: OptionRules<WebwireHandlerOptions> = {
  name: stringThat('a string', () => true),
  fallback: { allowed: 'a boolean', accepts: (value) => typeof value === 'boolean' },
  codec: CODEC_RULE,
};

/** Options after the name. @inline */
export type OptionsAfterName<Options> = Omit<Options, 'name' | 'fallback'>;

/** Options in place of a name. An entry of a contract has members of the same names. @inline */
export type OptionsWithName<Options> = Options & { kind?: never };

/**
 * Makes a decorator that marks a method as a handler.
 * @throws InvalidOptionError or TypeError, when the class is declared, if no message can reach the method.
 */
export function handlerDecorator(
  kind: HandlesMetadata['kind'],
  nameOrOptions: string | AnyOptions | ContractEntry = {},
  options: OptionsAfterName<AnyOptions> = {},
): MethodDecorator {
  if (isEntry(nameOrOptions)) return entryDecorator(kind, nameOrOptions, options);
  const given = typeof nameOrOptions === 'string' ? { ...options, name: nameOrOptions } : nameOrOptions;
  const rules: OptionRules<WebwireHandlerOptions & SignalDescription> = {
    ...HANDLER_RULES,
    ...DESCRIPTION_RULES[kind],
  };
  const { name, fallback = false, codec, ...description } = checkAll(given, rules, `${kind} handler.`);
  if (fallback && name !== undefined) {
    throw new TypeError(`a WebWire ${kind} handler has either a name or fallback: true, not both`);
  }
  if (fallback && kind === 'stream') throw new TypeError('a WebWire stream handler has a name, and is no fallback');
  return marking({ kind, target: fallback ? 'fallback' : { name: name ?? '' }, codec, description });
}

function entryDecorator(kind: HandlesMetadata['kind'], entry: ContractEntry, options: object): MethodDecorator {
  const { name } = entry;
  if (entry.kind !== kind) {
    const [decorator, part] = [`@Webwire${kind[0]!.toUpperCase()}${kind.slice(1)}()`, `${kind}s`];
    const found = entry.kind === 'serverSignal' ? 'a signal of the server' : `a ${entry.kind}`;
    throw new TypeError(
      `${decorator} takes an entry of \`${part}\` of a contract, but ${JSON.stringify(name)} is ${found}`,
    );
  }
  if (Object.keys(options).length > 0) {
    throw new TypeError(
      `the handler of the ${kind} ${JSON.stringify(name)} has no options: the contract determines the codec`,
    );
  }
  return marking({ kind, target: { name }, codec: jsonCodec, entry });
}

/** Returns the decorator that adds metadata to a method. */
function marking(metadata: HandlesMetadata): MethodDecorator {
  const { kind, target } = metadata;
  return (prototype, key, descriptor?: PropertyDescriptor) => {
    const method: unknown = descriptor?.value;
    if (typeof prototype === 'function' || typeof key === 'symbol' || typeof method !== 'function') {
      throw new TypeError(`a WebWire ${kind} handler must be a method with a name, not static: ${String(key)} is not`);
    }
    const handler = `${prototype.constructor.name}.${key}`;
    if (target !== 'fallback') assertName(kind, target.name, handler);
    assertResult(kind, handler, method, Reflect.getMetadata('design:returntype', prototype, key));
    const others = (Reflect.getOwnMetadata(WEBWIRE_HANDLES, method) ?? []) as HandlesMetadata[];
    Reflect.defineMetadata(WEBWIRE_HANDLES, [...others, metadata], method);
    const methods = (Reflect.getMetadata(WEBWIRE_METHODS, prototype) ?? []) as string[];
    Reflect.defineMetadata(WEBWIRE_METHODS, [...methods, key], prototype);
  };
}

/**
 * Checks that messages can have a name.
 * @param handler `Class.method`, for the error.
 * @throws TypeError if no message can have this name, or it is reserved.
 */
export function assertName(kind: string, name: string, handler: string): void {
  if (isReserved(name)) {
    throw new TypeError(
      `${JSON.stringify(name)} cannot be the name of a WebWire ${kind}, which ${handler} handles: ` +
        `names that begin with "${RESERVED_PREFIX}" are reserved`,
    );
  }
  try {
    encodeMessage({ type: MessageType.SignalBinary, name, payload: new Uint8Array(1) });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new TypeError(
      `${JSON.stringify(name)} cannot be the name of a WebWire ${kind}, which ${handler} handles: ` +
        'names are at most 255 printable ASCII characters',
      { cause: error },
    );
  }
}
