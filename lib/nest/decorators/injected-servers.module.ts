import { Global, Module } from '@nestjs/common';
import { injectedServers } from './inject-webwire-server.decorator.js';

/** Lets every module inject what `@InjectWebwireServer()` asks for. */
@Global()
@Module({ providers: injectedServers, exports: injectedServers })
export class InjectedServersModule {}
