import { IoAdapter } from '@nestjs/platform-socket.io';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer, type WsResponse } from '@nestjs/websockets';
import { NEWS } from '../exchanges.js';
import { newsPerGo, serve } from './nest-server.js';

@WebSocketGateway({ transports: ['websocket'], perMessageDeflate: false })
class PlainGateway {
  @WebSocketServer() server!: { emit(event: string, data: string): void };

  @SubscribeMessage('echo')
  echo(@MessageBody() data: string): WsResponse<string> {
    return { event: 'echo', data };
  }
  @SubscribeMessage('note')
  note(): void {}
  @SubscribeMessage('go')
  go(): void {
    for (let sent = 0; sent < newsPerGo; sent++) this.server.emit('news', NEWS);
  }
}

await serve({ gateways: { plain: PlainGateway }, prepare: (app) => app.useWebSocketAdapter(new IoAdapter(app)) });
