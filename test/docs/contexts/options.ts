// docs/options.md
import 'reflect-metadata';
import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { InjectWebwireServer, WebwireGateway, WebwireModule as Original, WebwireServer } from 'nestjs-webwire';

process.env.WEBWIRE_PORT = '0';
const imports: DynamicModule[] = [];
/** Takes the module of the page into the application. */
const WebwireModule = {
  forRootAsync: (...options: Parameters<typeof Original.forRootAsync>) =>
    imports.push(Original.forRootAsync(...options)),
};

// block 1

@WebwireGateway({ sessions: false })
class AuthGateway {}

@Injectable()
class Observer {
  constructor(@InjectWebwireServer(AuthGateway) readonly server: WebwireServer) {}
}

@Module({ imports, providers: [AuthGateway, Observer] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.init();
const { server } = app.get(Observer);
console.log(server.options.readTimeout, 'ms, on a port of its own:', server.address !== app.getHttpServer().address());
await app.close();

// Prints:
// 30000 ms, on a port of its own: true
