import { handles, type WebwireHandlerOptions } from '../options/handler-options.js';

/**
 * Handles signals: nothing is replied, and what the handler throws is logged (README, "Handlers").
 *
 * @param name Takes signals of this name; without it, those that have none.
 * @throws TypeError for a name that no message can have.
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
  return handles('signal', nameOrOptions, options);
}
