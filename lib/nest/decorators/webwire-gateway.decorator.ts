import { WebSocketGateway } from '@nestjs/websockets';
import { ENTRY_PROVIDER_WATERMARK } from '@nestjs/common/internal';
import { PORT_RULE, type WebwireGatewayOptions } from '../options/gateway-options.js';
import { check } from '../../common/options.js';
import { WEBWIRE_GATEWAY } from './metadata.js';

/**
 * Makes a class a gateway: `@WebSocketGateway()` with the options of WebWire. Gateways with the same port and
 * path share one server and its namespace of handlers.
 *
 * @param port Port of its own. Without it, or with 0, the gateway lives on the application's HTTP server.
 * @throws InvalidOptionError for a port that does not exist; other options are checked at start.
 * @example
 * @WebwireGateway()
 * class AuthGateway { … }
 */
export function WebwireGateway(port?: number, options?: WebwireGatewayOptions): ClassDecorator;
export function WebwireGateway(options?: WebwireGatewayOptions): ClassDecorator;
export function WebwireGateway(
  portOrOptions: number | WebwireGatewayOptions = 0,
  options: WebwireGatewayOptions = {},
): ClassDecorator {
  const hasPort = typeof portOrOptions !== 'object';
  const [port, own] = hasPort ? [portOrOptions, options] : [0, portOrOptions];
  check('port of @WebwireGateway()', port, PORT_RULE);
  return (target) => {
    // Nest makes one server for each port and path, and one more for each "namespace" on it. A namespace of its
    // own lets the adapter tell which gateway Nest asks for, and configuration move it elsewhere.
    WebSocketGateway(port, { ...own, namespace: Symbol(target.name) as never })(target);
    // Request-scoped global enhancers (APP_GUARD, …) reach "entry providers" only.
    Reflect.defineMetadata(ENTRY_PROVIDER_WATERMARK, true, target);
    Reflect.defineMetadata(WEBWIRE_GATEWAY, true, target);
  };
}
