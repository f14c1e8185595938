import type { ContractEntry } from '../../contract/entries.js';
import {
  handlerDecorator,
  type OptionsAfterName,
  type OptionsWithName,
  type WebwireRequestOptions,
} from '../options/handler-options.js';
import type { EntryDecorator } from './entry-handler.js';

/**
 * Makes a method handle requests. Its return value is the reply; an error that it throws fails the request
 * (docs/handlers.md).
 *
 * @param name Name of the requests: at most 255 printable ASCII characters. Without it, the method handles requests without
 *   a name.
 * @param options The codec, and texts and types for documents.
 * @throws TypeError, when the class is declared, for a name that no message can have.
 * @example
 * @WebwireRequest('auth')
 * auth(@MessageBody() credentials: string) { … }
 */
export function WebwireRequest(name?: string, options?: OptionsAfterName<WebwireRequestOptions>): MethodDecorator;
export function WebwireRequest(options: OptionsWithName<WebwireRequestOptions>): MethodDecorator;
/**
 * Makes a method handle the requests of an entry of a contract, as JSON. The body is validated after the guards, and before
 * interceptors and pipes run: a body that does not fit is refused with `BAD_REQUEST`.
 * The reply is validated, too: one that does not fit is an internal error.
 *
 * @param entry Entry of `requests` of a contract.
 * @throws TypeError, when the class is declared, for an entry of another kind.
 * @example
 * @WebwireRequest(chat.requests.enter)
 * enter(@MessageBody() nickname: string): Room { … }
 */
export function WebwireRequest<Entry extends ContractEntry>(entry: Entry): EntryDecorator<'request', Entry>;
export function WebwireRequest(
  nameOrOptions?: string | OptionsWithName<WebwireRequestOptions> | ContractEntry,
  options?: OptionsAfterName<WebwireRequestOptions>,
): MethodDecorator {
  return handlerDecorator('request', nameOrOptions, options);
}
