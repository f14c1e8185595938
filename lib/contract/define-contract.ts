import type { PayloadCodec } from '../protocol/payload-codec.js';
import { contractCodec } from './contract-codec.js';
import { EntryReader, type ContractReader, type FindEntry } from './contract-reader.js';
import type {
  ContractEntry,
  RequestEntries,
  RequestSpec,
  ServerSignalEntries,
  SignalEntries,
  SignalSpec,
  StreamEntries,
  StreamSpec,
} from './entries.js';
import { checkSpec, PARTS, type Part } from './check-spec.js';
import type { SchemaInput, SchemaOutput } from './standard-schema.js';

type Specs<Spec> = Readonly<Record<string, Spec>>;

/** The part of a contract that a `WebwireClient` uses. */
export interface ClientContract<Api> {
  /** Exists at compile time only. @hidden */
  readonly '~api'?: Api;
  /** Makes the object that validates what one client receives. @hidden */
  readonly '~reader': () => ContractReader;
  /** Makes the codec of a client. @hidden */
  readonly '~codec': (plain: PayloadCodec) => PayloadCodec;
}

/** A contract: the entries of requests, streams and signals, each with its name and kind. It is frozen. */
export interface DefinedContract<
  Requests = Specs<RequestSpec>,
  Streams = Specs<StreamSpec>,
  Signals = Specs<SignalSpec>,
  ServerSignals = Specs<SignalSpec>,
> extends ClientContract<ContractApi<Requests, Streams, Signals, ServerSignals>> {
  readonly requests: RequestEntries<Requests>;
  readonly streams: StreamEntries<Streams>;
  /** Signals of the client. */
  readonly signals: SignalEntries<Signals>;
  /** Signals of the server. */
  readonly serverSignals: ServerSignalEntries<ServerSignals>;
}

/** The types of a contract for `WebwireClient<Api>`: bodies before the schemas transform them, replies and signals afterwards. */
export interface ContractApi<Requests, Streams, Signals, ServerSignals> {
  requests: {
    [Name in keyof Requests]: [
      body: SchemaInput<Member<Requests[Name], 'body'>>,
      reply: SchemaOutput<Member<Requests[Name], 'reply'>>,
    ];
  };
  streams: {
    [Name in keyof Streams]: [
      body: SchemaInput<Member<Streams[Name], 'body'>>,
      item: SchemaOutput<Member<Streams[Name], 'item'>>,
    ];
  };
  signals: { [Name in keyof Signals]: SchemaInput<Member<Signals[Name], 'body'>> };
  serverSignals: { [Name in keyof ServerSignals]: SchemaOutput<Member<ServerSignals[Name], 'body'>> };
}

type Member<Spec, Name extends string> = Name extends keyof Spec ? Spec[Name] : undefined;

/** The types of a contract for `WebwireClient<Api>`, as in `WebwireClient<ApiOf<typeof chat>>`. */
export type ApiOf<Contract> = Contract extends { readonly '~api'?: infer Api } ? NonNullable<Api> : never;

/**
 * Defines the requests, streams and signals between a server and its clients, for the decorators and methods of the server, and
 * for the option `contract` of the client. The schemas are Standard Schemas, such as those of zod, valibot and arktype.
 *
 * @returns The entries by kind and name.
 * @throws TypeError for a name that no message can have, and for anything else that is not as described here.
 * @example
 * export const chat = defineContract({
 *   requests: { enter: { body: Nickname, reply: Room, errors: { NAME_TAKEN: 'another person has this name' } } },
 *   signals: { typing: {} },
 *   serverSignals: { message: { body: ChatMessage } },
 * });
 */
export function defineContract<
  // oxlint-disable typescript/no-empty-object-type -- no names, if the part is left out
  Requests extends Specs<RequestSpec> = {},
  Streams extends Specs<StreamSpec> = {},
  Signals extends Specs<SignalSpec> = {},
  ServerSignals extends Specs<SignalSpec> = {},
  // oxlint-enable typescript/no-empty-object-type
>(spec: {
  readonly requests?: Requests | undefined;
  readonly streams?: Streams | undefined;
  readonly signals?: Signals | undefined;
  readonly serverSignals?: ServerSignals | undefined;
}): DefinedContract<Requests, Streams, Signals, ServerSignals> {
  checkSpec(spec);
  const contract: object = {};
  const byKind = new Map<string, Map<string, ContractEntry>>();
  for (const part of Object.keys(PARTS) as Part[]) {
    const { kind } = PARTS[part];
    const names = Object.entries(spec[part] ?? {});
    const entries = names.map(([name, details]) => [name, createEntry({ ...details, kind, name }, contract)] as const);
    byKind.set(kind, new Map(entries));
    // `fromEntries()` also makes an own property of a name such as `__proto__`.
    Object.defineProperty(contract, part, { value: Object.freeze(Object.fromEntries(entries)), enumerable: true });
  }
  const find: FindEntry = (kind, name) => byKind.get(kind)?.get(name);
  Object.defineProperties(contract, {
    '~reader': { value: () => new EntryReader(find) },
    '~codec': { value: contractCodec },
  });
  return Object.freeze(contract) as never;
}

/** Makes an entry with a reference to its contract, which is not enumerable. */
function createEntry(members: object, contract: object): ContractEntry {
  return Object.freeze(Object.defineProperty(members, CONTRACT, { value: contract })) as ContractEntry;
}

const CONTRACT = '~contract';

/** The contract of an entry. */
export function contractOf(entry: ContractEntry): DefinedContract {
  return (entry as unknown as Record<typeof CONTRACT, DefinedContract>)[CONTRACT];
}

/** Checks for a contract that `defineContract()` has made. */
export function isContract(value: unknown): value is DefinedContract {
  return typeof (value as Partial<DefinedContract> | null | undefined)?.['~reader'] === 'function';
}

/** Checks for an entry of a contract that `defineContract()` has made. */
export function isEntry(value: unknown): value is ContractEntry {
  return typeof value === 'object' && value !== null && CONTRACT in value;
}
