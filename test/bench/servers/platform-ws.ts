import { UseGuards, UseInterceptors } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer, type WsResponse } from '@nestjs/websockets';
import type { WebSocketServer as WsServer } from 'ws';
import { NEWS } from '../exchanges.js';
import { IdentityPipe, MappingInterceptor, OpenGuard } from './enhancers.js';
import { newsPerGo, serve } from './nest-server.js';

const news = JSON.stringify({ event: 'news', data: NEWS });

@WebSocketGateway()
class PlainGateway {
  @WebSocketServer() server!: WsServer;

  @SubscribeMessage('echo')
  echo(@MessageBody() data: string): WsResponse<string> {
    return { event: 'echo', data };
  }
  @SubscribeMessage('note')
  note(): void {}
  @SubscribeMessage('go')
  go(): void {
    for (let sent = 0; sent < newsPerGo; sent++) for (const client of this.server.clients) client.send(news);
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
