import { Inject, type InjectionToken } from '@nestjs/common';

/** Returns the injection token of a client, for `overrideProvider()` in tests and the `inject` of factories. */
export function getWebwireClientToken(name: string): InjectionToken {
  return `WebwireClient:${name}`;
}

/**
 * Injects the client that is registered in `WebwireClientModule` with this name.
 *
 * @example
 * constructor(@InjectWebwireClient('prices') private readonly prices: WebwireClient<PricesApi>) {}
 */
export function InjectWebwireClient(name: string): PropertyDecorator & ParameterDecorator {
  return Inject(getWebwireClientToken(name));
}
