import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { WebwireModule, type WebwireGatewayOptions } from 'nestjs-webwire';
import { AdminGateway } from './admin.gateway.js';
import { configuration } from './configuration.js';
import { GreeterGateway } from './greeter.gateway.js';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, load: [configuration] }),
    WebwireModule.forRootAsync({
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        gateways: {
          AdminGateway: {
            port: Number(config.get('ADMIN_PORT', 4000)),
            tls: config.getOrThrow<WebwireGatewayOptions['tls']>('tls'),
          },
        },
      }),
    }),
  ],
  providers: [GreeterGateway, AdminGateway],
})
export class AppModule {}
