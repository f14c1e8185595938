import { WebSocketGateway } from '@nestjs/websockets';
import { PORT_RULE, type WebwireGatewayOptions } from '../options/gateway-options.js';
import { check } from '../../common/options.js';
import { refuseForeignOptions } from '../options/foreign-options.js';
import { ENTRY_PROVIDER_WATERMARK } from '../internals/nest-internals.js';
import { assertServed } from '../internals/serving-adapter.js';
import { WEBWIRE_GATEWAY, type GatewayBrand } from './metadata.js';

/**
 * Makes a class a gateway: `@WebSocketGateway()` with the options of WebWire. Gateways with the same port and
 * path share one server, and their handlers must differ in kind or name.
 *
 * @param port A port for the gateway. Without it, or with 0, the gateway uses the application's HTTP server.
 * @throws InvalidOptionError for a number that is no port, and for options with which other adapters keep clients out. All
 *   other options are checked when the application starts.
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
    // Nest asks the adapter for one server for each port and path, and for one more for each "namespace" on it. A unique
    // namespace identifies the gateway for which Nest asks, so that configuration can move it to another port or path.
    const brand: GatewayBrand = { namespace: Symbol(target.name), applications: new Set() };
    const namespace = () => {
      assertServed(target.name, brand);
      return brand.namespace;
    };
    WebSocketGateway(
      port,
      Object.defineProperty({ ...own }, 'namespace', { enumerable: true, get: namespace }),
    )(target);
    // Nest applies request-scoped global enhancers (APP_GUARD, …) to "entry providers" only.
    Reflect.defineMetadata(ENTRY_PROVIDER_WATERMARK, true, target);
    Reflect.defineMetadata(WEBWIRE_GATEWAY, brand, target);
  };
}
