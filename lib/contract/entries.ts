import type { OptionalSchema, SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.js';

/** Texts about an entry of a contract, for documents. */
export interface EntryDetails {
  /** One line. */
  readonly summary?: string | undefined;
  readonly description?: string | undefined;
  /** @default false */
  readonly deprecated?: boolean | undefined;
}

/** Keeps schemas from being taken for entries: those of some libraries have a `description`, too. */
interface NoSchema {
  readonly '~standard'?: undefined;
}

/** Codes of the errors with which a request or stream may fail, and their meanings. */
export type EntryErrors = Readonly<Record<string, string>>;

/** A request in the argument of `defineContract()`. */
export interface RequestSpec extends EntryDetails, NoSchema {
  /** Schema of the body. Without it, the body is not used. */
  readonly body?: StandardSchema;
  /** Schema of the reply. Without it, the reply is empty. */
  readonly reply?: StandardSchema;
  readonly errors?: EntryErrors | undefined;
}

/** A stream in the argument of `defineContract()`. */
export interface StreamSpec extends EntryDetails, NoSchema {
  /** Schema of the body. Without it, the body is not used. */
  readonly body?: StandardSchema;
  /** Schema of each item. Without it, items are empty. */
  readonly item?: StandardSchema;
  readonly errors?: EntryErrors | undefined;
}

/** A signal, of either side, in the argument of `defineContract()`. */
export interface SignalSpec extends EntryDetails, NoSchema {
  /** Schema of the body. Without it, the body is empty. */
  readonly body?: StandardSchema;
}

interface NamedEntry<Kind extends string, Name extends string, Body extends OptionalSchema> extends EntryDetails {
  readonly kind: Kind;
  readonly name: Name;
  readonly body?: Body;
}

/** A request of a contract: `@WebwireRequest(chat.requests.enter)`. */
export interface RequestEntry<
  Name extends string = string,
  Body extends OptionalSchema = OptionalSchema,
  Reply extends OptionalSchema = OptionalSchema,
  Code extends string = string,
> extends NamedEntry<'request', Name, Body> {
  readonly reply?: Reply;
  readonly errors?: Readonly<Record<Code, string>>;
}

/** A stream of a contract: `@WebwireStream(market.streams.ticks)`. */
export interface StreamEntry<
  Name extends string = string,
  Body extends OptionalSchema = OptionalSchema,
  Item extends OptionalSchema = OptionalSchema,
  Code extends string = string,
> extends NamedEntry<'stream', Name, Body> {
  readonly item?: Item;
  readonly errors?: Readonly<Record<Code, string>>;
}

/** A signal of the client: `@WebwireSignal(chat.signals.typing)`. */
export interface SignalEntry<
  Name extends string = string,
  Body extends OptionalSchema = OptionalSchema,
> extends NamedEntry<'signal', Name, Body> {}

/** A signal of the server: `connection.signal(chat.serverSignals.message, body)`. */
export interface ServerSignalEntry<
  Name extends string = string,
  Body extends OptionalSchema = OptionalSchema,
> extends NamedEntry<'serverSignal', Name, Body> {}

/** An entry that a handler of the server takes. */
export type HandlerEntry = RequestEntry | StreamEntry | SignalEntry;

/** Any entry of a contract. */
export type ContractEntry = HandlerEntry | ServerSignalEntry;

/** The schema in a member of a specification; `undefined` if there is none. */
type SchemaOf<Spec, Member extends string> = Member extends keyof Spec
  ? Extract<Spec[Member], OptionalSchema>
  : undefined;

type CodeOf<Spec> = Spec extends { readonly errors: infer Errors } ? keyof Errors & string : never;

/** The entries of requests. */
export type RequestEntries<Specs> = {
  readonly [Name in keyof Specs & string]: RequestEntry<
    Name,
    SchemaOf<Specs[Name], 'body'>,
    SchemaOf<Specs[Name], 'reply'>,
    CodeOf<Specs[Name]>
  >;
};

/** The entries of streams. */
export type StreamEntries<Specs> = {
  readonly [Name in keyof Specs & string]: StreamEntry<
    Name,
    SchemaOf<Specs[Name], 'body'>,
    SchemaOf<Specs[Name], 'item'>,
    CodeOf<Specs[Name]>
  >;
};

/** The entries of signals of the client. */
export type SignalEntries<Specs> = {
  readonly [Name in keyof Specs & string]: SignalEntry<Name, SchemaOf<Specs[Name], 'body'>>;
};

/** The entries of signals of the server. */
export type ServerSignalEntries<Specs> = {
  readonly [Name in keyof Specs & string]: ServerSignalEntry<Name, SchemaOf<Specs[Name], 'body'>>;
};

type BodySchema<Entry> = Entry extends NamedEntry<string, string, infer Body> ? Body : never;
type ResultSchema<Entry> =
  Entry extends RequestEntry<string, OptionalSchema, infer Reply>
    ? Reply
    : Entry extends StreamEntry<string, OptionalSchema, infer Item>
      ? Item
      : never;

/** The body that the sender of an entry passes: before the schema transforms it. */
export type BodyInput<Entry> = SchemaInput<BodySchema<Entry>>;

/** The body that the receiver of an entry gets: as the schema has transformed it. */
export type BodyOutput<Entry> = SchemaOutput<BodySchema<Entry>>;

/** The reply that a handler returns, or an item of its stream: before the schema transforms it. */
export type ResultInput<Entry> = SchemaInput<ResultSchema<Entry>>;

/** The reply that a client gets, or an item of its stream: as the schema has transformed it. */
export type ResultOutput<Entry> = SchemaOutput<ResultSchema<Entry>>;

/** The codes of the errors that an entry declares. */
export type ErrorCode<Entry> = Entry extends { readonly errors?: infer Errors }
  ? keyof NonNullable<Errors> & string
  : never;

/**
 * The body and further arguments of a method that sends a signal. The body of an entry may be omitted if it may be `undefined`, and
 * that of a signal with a name always.
 */
export type SendArguments<
  Target extends string | ServerSignalEntry,
  Options extends readonly unknown[] = [],
> = Target extends ServerSignalEntry
  ? undefined extends BodyInput<Target>
    ? [body?: BodyInput<Target>, ...options: Options]
    : [BodyInput<Target>] extends [void]
      ? [body?: undefined, ...options: Options]
      : [body: BodyInput<Target>, ...options: Options]
  : [body?: unknown, ...options: Options];
