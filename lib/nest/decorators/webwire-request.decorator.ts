import { handles, type WebwireHandlerOptions } from '../options/handler-options.js';

/**
 * Handles requests: the return value is the reply, a thrown error the failure (README, "Handlers").
 *
 * @param name Takes requests of this name; without it, those that have none.
 * @throws TypeError for a name that no message can have.
 * @example
 * @WebwireRequest('auth')
 * auth(@MessageBody() credentials: string) { … }
 */
export function WebwireRequest(
  name?: string,
  options?: Omit<WebwireHandlerOptions, 'name' | 'fallback'>,
): MethodDecorator;
export function WebwireRequest(options: WebwireHandlerOptions): MethodDecorator;
export function WebwireRequest(
  nameOrOptions?: string | WebwireHandlerOptions,
  options?: Omit<WebwireHandlerOptions, 'name' | 'fallback'>,
): MethodDecorator {
  return handles('request', nameOrOptions, options);
}
