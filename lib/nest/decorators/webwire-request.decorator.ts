import { handlerDecorator, type WebwireHandlerOptions } from '../options/handler-options.js';

/**
 * Makes a method handle requests. Its return value is the reply; an error that it throws fails the request (README,
 * "Handlers").
 *
 * @param name Name of the requests: at most 255 printable ASCII characters. Without it, the method handles requests without
 *   a name.
 * @throws TypeError, when the class is declared, for a name that no message can have.
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
  return handlerDecorator('request', nameOrOptions, options);
}
