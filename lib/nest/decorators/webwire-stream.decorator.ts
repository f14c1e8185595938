import type { ContractEntry } from '../../contract/entries.js';
import {
  handlerDecorator,
  type OptionsAfterName,
  type OptionsWithName,
  type WebwireStreamOptions,
} from '../options/handler-options.js';
import type { EntryDecorator } from './entry-handler.js';

/**
 * Makes a method handle requests whose replies are streams. It returns an AsyncIterable, such as an async generator, an
 * Observable, or a promise of one. Each of its items is sent to the client; an error that it throws ends the stream
 * (docs/streams.md). An AsyncIterable is asked for an item only when the client takes it, and its `return()` is called when the client
 * gives the stream up, the connection is lost or the server shuts down.
 *
 * @param name Name of the requests: at most 255 printable ASCII characters. Without it, the method handles requests without
 *   a name.
 * @param options The codec, and texts and types for documents.
 * @throws TypeError, when the class is declared, for a name that no message can have, or that is reserved.
 * @example
 * @WebwireStream('ticks')
 * async *ticks(@MessageBody() symbols: string[]) { … yield tick; … }
 */
export function WebwireStream(name?: string, options?: OptionsAfterName<WebwireStreamOptions>): MethodDecorator;
export function WebwireStream(options: OptionsWithName<WebwireStreamOptions>): MethodDecorator;
/**
 * Makes a method handle the streams of an entry of a contract, as JSON. The body is validated after the guards, and before
 * interceptors and pipes run: a body that does not fit is refused with `BAD_REQUEST`.
 * Items are validated, too: one that does not fit is an internal error.
 *
 * @param entry Entry of `streams` of a contract.
 * @throws TypeError, when the class is declared, for an entry of another kind.
 * @example
 * @WebwireStream(market.streams.ticks)
 * async *ticks(@MessageBody() symbols: string[]): AsyncGenerator<Tick> { … }
 */
export function WebwireStream<Entry extends ContractEntry>(entry: Entry): EntryDecorator<'stream', Entry>;
export function WebwireStream(
  nameOrOptions?: string | OptionsWithName<WebwireStreamOptions> | ContractEntry,
  options?: OptionsAfterName<WebwireStreamOptions>,
): MethodDecorator {
  return handlerDecorator('stream', nameOrOptions, options);
}
