import type { Observable } from 'rxjs';
import type {
  BodyOutput,
  ContractEntry,
  HandlerEntry,
  RequestEntry,
  ResultInput,
  StreamEntry,
} from '../../contract/entries.js';
import type { WebwireConnection } from '../../server/connection.js';
import type { Message } from '../../server/message.js';

/**
 * Decorates a method that takes an entry of a contract. It does not compile for an entry of another kind, nor for a method whose
 * return type does not fit the entry, or none of whose parameters accepts the body.
 */
export type EntryDecorator<Kind extends HandlerEntry['kind'], Entry extends ContractEntry> = <
  Method extends (...args: never[]) => unknown,
>(
  target: object,
  name: string | symbol,
  method: MethodDescriptor<Method> &
    (Entry extends { readonly kind: Kind }
      ? ResultCheck<ReturnType<Method>, Entry> & BodyCheck<Method, BodyOutput<Entry>>
      : EntryIsOfAnotherKind<Entry['kind'], Kind>),
) => void;

interface MethodDescriptor<Method> {
  // With `undefined`, so that errors under `exactOptionalPropertyTypes` are not about it.
  readonly value?: Method | undefined;
}

/**
 * A descriptor that no method has, so that the error of the compiler is short: it prints the name and the arguments of this type.
 */
interface ReturnTypeDoesNotFit<Expected, Wrong> {
  readonly 'the return type does not fit the contract': [Expected, Wrong];
}

/** As `ReturnTypeDoesNotFit`. */
interface EntryIsOfAnotherKind<Kind, Expected> {
  readonly 'the entry of the contract is of another kind': [Kind, Expected];
}

/** As `ReturnTypeDoesNotFit`. */
interface NoParameterAcceptsTheBody<Body> {
  readonly 'no parameter accepts the body of the contract': Body;
}

type ResultCheck<Result, Entry> = [Result] extends [HandlerResult<Entry>]
  ? unknown
  : ReturnTypeDoesNotFit<ResultInput<Entry>, WrongMembers<ValueOf<Result>, ResultInput<Entry>>>;

/** The reply, or the items, in the result of a method. */
type ValueOf<Result> =
  Awaited<Result> extends infer Value
    ? Value extends Observable<infer Item> | AsyncIterable<infer Item>
      ? Item
      : Value
    : never;

/** The names of the members of an object that are missing or of another type. */
type WrongMembers<Value, Expected> = Expected extends object
  ? Expected extends readonly unknown[]
    ? never
    : { [Name in keyof Expected]-?: Value extends Pick<Expected, Name> ? never : Name }[keyof Expected]
  : never;

type Later<Value> = Value | PromiseLike<Value>;

/** The result that a method may return. The result of a signal is ignored. */
export type HandlerResult<Entry> = Entry extends RequestEntry
  ? Later<ResultInput<Entry> | Observable<ResultInput<Entry>>>
  : Entry extends StreamEntry
    ? Later<AsyncIterable<ResultInput<Entry>> | Observable<ResultInput<Entry>>>
    : unknown;

/** Some parameter has to accept the body, unless all of them are for the connection or the message, or there is no body. */
type BodyCheck<Method extends (...args: never[]) => unknown, Body> = [Body] extends [void]
  ? unknown
  : 'body' extends Uses<Parameters<Method>, Body>
    ? unknown
    : 'unknown' extends Uses<Parameters<Method>, Body>
      ? NoParameterAcceptsTheBody<Body>
      : unknown;

type Uses<Types extends readonly unknown[], Body> = { [Index in keyof Types]: UseOf<Types[Index], Body> }[number];

type UseOf<Type, Body> = [Body] extends [Type]
  ? 'body'
  : WebwireConnection extends Type
    ? 'connection'
    : Message extends Type
      ? 'message'
      : 'unknown';
