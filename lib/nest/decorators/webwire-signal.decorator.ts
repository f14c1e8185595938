import type { ContractEntry } from '../../contract/entries.js';
import {
  handlerDecorator,
  type OptionsAfterName,
  type OptionsWithName,
  type WebwireSignalOptions,
} from '../options/handler-options.js';
import type { EntryDecorator } from './entry-handler.js';

/**
 * Makes a method handle signals. They have no reply; an error that the method throws is logged (docs/handlers.md).
 *
 * @param name Name of the signals: at most 255 printable ASCII characters. Without it, the method handles signals without a
 *   name.
 * @param options The codec, and texts and types for documents.
 * @throws TypeError, when the class is declared, for a name that no message can have.
 * @example
 * @WebwireSignal('eventA')
 * onEventA(@MessageBody() body: string) { … }
 */
export function WebwireSignal(name?: string, options?: OptionsAfterName<WebwireSignalOptions>): MethodDecorator;
export function WebwireSignal(options: OptionsWithName<WebwireSignalOptions>): MethodDecorator;
/**
 * Makes a method handle the signals of an entry of a contract, as JSON. The body is validated after the guards, and before
 * interceptors and pipes run: a body that does not fit is dropped, with a debug line in the log.
 *
 * @param entry Entry of `signals` of a contract.
 * @throws TypeError, when the class is declared, for an entry of another kind.
 * @example
 * @WebwireSignal(chat.signals.typing)
 * onTyping(@ConnectedSocket() connection: WebwireConnection) { … }
 */
export function WebwireSignal<Entry extends ContractEntry>(entry: Entry): EntryDecorator<'signal', Entry>;
export function WebwireSignal(
  nameOrOptions?: string | OptionsWithName<WebwireSignalOptions> | ContractEntry,
  options?: OptionsAfterName<WebwireSignalOptions>,
): MethodDecorator {
  return handlerDecorator('signal', nameOrOptions, options);
}
