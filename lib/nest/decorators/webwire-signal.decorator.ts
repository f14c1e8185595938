import { handlerDecorator, type WebwireHandlerOptions } from '../options/handler-options.js';

/**
 * Makes a method handle signals. They have no reply; an error that the method throws is logged (README, "Handlers").
 *
 * @param name Name of the signals: at most 255 printable ASCII characters. Without it, the method handles signals without a
 *   name.
 * @throws TypeError, when the class is declared, for a name that no message can have.
 * @example
 * @WebwireSignal('eventA')
 * onEventA(@MessageBody() body: string) { … }
 */
export function WebwireSignal(
  name?: string,
  options?: Omit<WebwireHandlerOptions, 'name' | 'fallback'>,
): MethodDecorator;
export function WebwireSignal(options: WebwireHandlerOptions): MethodDecorator;
export function WebwireSignal(
  nameOrOptions?: string | WebwireHandlerOptions,
  options?: Omit<WebwireHandlerOptions, 'name' | 'fallback'>,
): MethodDecorator {
  return handlerDecorator('signal', nameOrOptions, options);
}
