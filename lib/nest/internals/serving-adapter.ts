import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { WEBWIRE_GATEWAY, type GatewayBrand } from '../decorators/metadata.js';

/** The WebwireAdapters of each application. */
const adapters = new WeakMap<ApplicationConfig, object[]>();

/**
 * The adapters that `WebwireModule` made. They serve only while they are installed; an adapter that the application made may be
 * wrapped in another one.
 */
const modulesOwn = new WeakSet<object>();

/** Registers an adapter that may serve the gateways of an application. */
export function announceAdapter(adapter: object, modules: ModulesContainer, config: ApplicationConfig): void {
  adapters.set(config, [...(adapters.get(config) ?? []), adapter]);
  for (const { providers } of modules.values()) {
    for (const { metatype } of providers.values()) {
      const brand = metatype && (Reflect.getMetadata(WEBWIRE_GATEWAY, metatype) as GatewayBrand | undefined);
      if (brand) addApplication(brand, config);
    }
  }
}

/** Marks an adapter as made by `WebwireModule`. */
export function markAsModulesOwn(adapter: object): void {
  modulesOwn.add(adapter);
}

/** Returns `true` if a WebwireAdapter serves the gateways of an application. */
export function isServing(config: ApplicationConfig): boolean {
  const installed = config.getIoAdapter();
  return (adapters.get(config) ?? []).some((adapter) => adapter === installed || !modulesOwn.has(adapter));
}

/**
 * Checks that a WebwireAdapter serves a gateway, when Nest reads the options of the gateway.
 *
 * Why: other adapters would start and never call the handlers, or fail with an error that does not name the cause.
 *
 * Relies on: Nest reads `namespace` of the options before it passes them to the installed adapter.
 *
 * If Nest changes it: the check runs too late or not at all, which fails `test/nest/misplaced.spec.ts`.
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
      : `${gateway} is a @WebwireGateway(), but no WebwireAdapter is installed: ` +
          'import WebwireModule.forRoot() in the root module of the application',
  );
}

/** The error message for gateways or handlers that the installed adapter does not serve. */
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
