import { Module, ValidationPipe } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { jsonCodec, WebwireModule } from 'nestjs-webwire';
import { ActivityGateway } from './activity/activity.gateway.js';
import { ActivityService } from './activity/activity.service.js';
import { ArchiveGateway } from './archive/archive.gateway.js';
import { SlowArchive } from './archive/slow-archive.js';
import { MarketGateway } from './market/market.gateway.js';
import { MarketService } from './market/market.service.js';
import { LanguageModel } from './writer/language-model.js';
import { WriterGateway } from './writer/writer.gateway.js';

@Module({
  imports: [WebwireModule.forRoot({ codec: jsonCodec, sessions: false, concurrencyLimit: 10 })],
  providers: [
    WriterGateway,
    MarketGateway,
    ArchiveGateway,
    ActivityGateway,
    LanguageModel,
    MarketService,
    SlowArchive,
    ActivityService,
    { provide: APP_PIPE, useValue: new ValidationPipe({ whitelist: true, transform: true }) },
  ],
})
export class AppModule {}
