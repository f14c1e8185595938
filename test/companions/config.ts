import { ConfigModule, ConfigService } from '@nestjs/config';
import { WebwireModule } from 'nestjs-webwire';

export const webwire = WebwireModule.forRootAsync({
  imports: [ConfigModule],
  inject: [ConfigService],
  useFactory: (config: ConfigService) => ({
    readTimeout: 30_000,
    gateways: { AuthGateway: { port: Number(config.getOrThrow('WEBWIRE_PORT')) } },
  }),
});
