export { getWebwireClientToken, InjectWebwireClient } from './inject-webwire-client.decorator.js';
export type {
  WebwireClientAsyncRegistration,
  WebwireClientModuleOptions,
  WebwireClientOptionsFactory,
  WebwireClientRegistration,
  WebwireClientRegistrations,
} from './webwire-client-options.js';
export { WebwireClientModule } from './webwire-client.module.js';
