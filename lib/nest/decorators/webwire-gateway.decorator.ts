import { WebSocketGateway } from '@nestjs/websockets';
import { ENTRY_PROVIDER_WATERMARK } from '@nestjs/common/internal';
import { PORT_RULE, type WebwireGatewayOptions } from '../options/gateway-options.js';
import { check } from '../../common/options.js';
import { refuseForeignOptions } from '../options/foreign-options.js';
import { assertServed } from '../internals/serving-adapter.js';
import { WEBWIRE_GATEWAY, type GatewayBrand } from './metadata.js';

/**
 * Makes a class a gateway: `@WebSocketGateway()` with the options of WebWire. Gateways with the same port and
 * path share one server and its namespace of handlers.
 *
 * @param port Port of its own. Without it, or with 0, the gateway lives on the application's HTTP server.
 * @throws InvalidOptionError for a port that does not exist and for options that keep clients out with other adapters;
 *   all options of WebWire are checked at start.
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
    refuseForeignOptions(target.name, { ...own });
    // Nest makes one server for each port and path, and one more for each "namespace" on it. A namespace of its
    // own shows the adapter which gateway Nest asks for, and lets configuration move it elsewhere.
    const brand: GatewayBrand = { namespace: Symbol(target.name), applications: new Set() };
    const namespace = () => {
      assertServed(target.name, brand);
      return brand.namespace;
    };
    WebSocketGateway(
      port,
      Object.defineProperty({ ...own }, 'namespace', { enumerable: true, get: namespace }),
    )(target);
    // Request-scoped global enhancers (APP_GUARD, …) reach "entry providers" only.
    Reflect.defineMetadata(ENTRY_PROVIDER_WATERMARK, true, target);
    Reflect.defineMetadata(WEBWIRE_GATEWAY, brand, target);
  };
}
