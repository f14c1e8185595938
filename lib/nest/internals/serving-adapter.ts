import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { WEBWIRE_GATEWAY, type GatewayBrand } from '../decorators/metadata.js';

/** The WebwireAdapters that were made for an application. */
const adapters = new WeakMap<ApplicationConfig, object[]>();

/** Those that `WebwireModule` made. They serve when they are installed; one that an application made may be within another. */
const modulesOwn = new WeakSet<object>();

/** Notes that an adapter may serve the gateways of an application. */
export function announceAdapter(adapter: object, modules: ModulesContainer, config: ApplicationConfig): void {
  adapters.set(config, [...(adapters.get(config) ?? []), adapter]);
  for (const { providers } of modules.values()) {
    for (const { metatype } of providers.values()) {
      const brand = metatype && (Reflect.getMetadata(WEBWIRE_GATEWAY, metatype) as GatewayBrand | undefined);
      if (brand) addApplication(brand, config);
    }
  }
}

/** Notes that an adapter is that of `WebwireModule`. */
export function markAsModulesOwn(adapter: object): void {
  modulesOwn.add(adapter);
}

/** Whether a WebwireAdapter serves the gateways of an application. */
export function isServing(config: ApplicationConfig): boolean {
  const installed = config.getIoAdapter();
  return (adapters.get(config) ?? []).some((adapter) => adapter === installed || !modulesOwn.has(adapter));
}

/**
 * Called when Nest reads the options of a gateway, which is before it gives them to the adapter of the application. Other
 * adapters would start and never call the handlers, or fail with an error that does not help.
 *
 * @throws Error if no WebwireAdapter serves the gateway.
 */
export function assertServed(gateway: string, { applications }: GatewayBrand): void {
  const configs = [...applications].flatMap((application) => application.deref() ?? []);
  if (configs.some(isServing)) return;
  const [config] = configs;
  throw new Error(
    config
      ? otherAdapterInstalled(`${gateway} is a @WebwireGateway()`, config)
      : `${gateway} is a @WebwireGateway(), but nothing lets it speak WebWire: ` +
          'import WebwireModule.forRoot() in the root module of the application',
  );
}

/** Says that another adapter makes something useless. */
export function otherAdapterInstalled(subject: string, config: ApplicationConfig): string {
  const { name } = config.getIoAdapter().constructor;
  return `${subject}, but ${name} is installed in place of WebwireAdapter: install no other with app.useWebSocketAdapter()`;
}

function addApplication({ applications }: GatewayBrand, config: ApplicationConfig): void {
  for (const application of applications) {
    const known = application.deref();
    if (known === config) return;
    if (!known) applications.delete(application);
  }
  applications.add(new WeakRef(config));
}
