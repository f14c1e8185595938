import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { OrdersService } from './orders.service.js';

@WebwireGateway()
export class OrdersGateway {
  constructor(private readonly orders: OrdersService) {}

  @WebwireRequest('order')
  async order(@MessageBody() order: string) {
    await this.orders.store(order);
    return `${order} is stored by process ${process.pid}`;
  }

  /** The address of the client, which the proxy reports. */
  @WebwireRequest('address')
  address(@ConnectedSocket() { ip }: WebwireConnection) {
    return ip;
  }
}
