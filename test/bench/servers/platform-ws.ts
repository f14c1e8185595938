import { UseGuards, UseInterceptors } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway, type WsResponse } from '@nestjs/websockets';
import { IdentityPipe, MappingInterceptor, OpenGuard } from './enhancers.js';
import { serve } from './nest-server.js';

@WebSocketGateway()
class PlainGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: string): WsResponse<string> {
    return { event: 'echo', data };
  }
}

@WebSocketGateway()
class GuardedGateway {
  @UseGuards(OpenGuard)
  @SubscribeMessage('echo')
  echo(@MessageBody(IdentityPipe) data: string): WsResponse<string> {
    return { event: 'echo', data };
  }
}

@WebSocketGateway()
class InterceptedGateway {
  @UseGuards(OpenGuard)
  @UseInterceptors(MappingInterceptor)
  @SubscribeMessage('echo')
  echo(@MessageBody(IdentityPipe) data: string): WsResponse<string> {
    return { event: 'echo', data };
  }
}

await serve({
  gateways: { plain: PlainGateway, guarded: GuardedGateway, intercepted: InterceptedGateway },
  prepare: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
});
