import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { WebwireClientModule } from 'nestjs-webwire/client-module';
import { WeatherService } from './weather.service.js';

@Module({
  imports: [
    WebwireClientModule.registerAsync([
      {
        name: 'broker',
        imports: [ConfigModule.forRoot({ ignoreEnvFile: true })],
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({ url: config.get<string>('BROKER_URL', 'ws://localhost:3000') }),
      },
    ]),
  ],
  providers: [WeatherService],
})
export class StationModule {}
