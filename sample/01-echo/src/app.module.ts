import { Module } from '@nestjs/common';
import { WebwireModule } from 'nestjs-webwire';
import { EchoGateway } from './echo.gateway.js';

@Module({
  imports: [WebwireModule.forRoot()],
  providers: [EchoGateway],
})
export class AppModule {}
