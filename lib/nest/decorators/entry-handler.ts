import type { Observable } from 'rxjs';
import type { BodyOutput, HandlerEntry, RequestEntry, ResultInput, StreamEntry } from '../../contract/entries.js';
import type { WebwireConnection } from '../../server/connection.js';
import type { Message } from '../../server/message.js';

/**
 * Decorates a method that takes an entry of a contract. It does not compile for a method whose return type does not fit the
 * entry, or none of whose parameters accepts the body.
 */
export type EntryDecorator<Entry extends HandlerEntry> = <Method extends (...args: never[]) => HandlerResult<Entry>>(
  target: object,
  name: string | symbol,
  method: MethodDescriptor<Method> & BodyCheck<Method, BodyOutput<Entry>>,
) => void;

interface MethodDescriptor<Method> {
  readonly value?: Method;
}

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
      ? { readonly 'no parameter accepts the body of the contract': Body }
      : unknown;

type Uses<Types extends readonly unknown[], Body> = { [Index in keyof Types]: UseOf<Types[Index], Body> }[number];

type UseOf<Type, Body> = [Body] extends [Type]
  ? 'body'
  : WebwireConnection extends Type
    ? 'connection'
    : Message extends Type
      ? 'message'
      : 'unknown';
