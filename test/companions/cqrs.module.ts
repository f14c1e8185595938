import { Module } from '@nestjs/common';
import { Command, CommandBus, CommandHandler, CqrsModule, EventBus, EventsHandler } from '@nestjs/cqrs';
import { MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';

export class ShipOrder extends Command<{ parcel: string }> {
  constructor(readonly order: string) {
    super();
  }
}

export class OrderShipped {
  constructor(readonly order: string) {}
}

@CommandHandler(ShipOrder)
export class ShipOrderHandler {
  constructor(private readonly events: EventBus) {}

  async execute({ order }: ShipOrder) {
    if (!order) throw new RequestError('NO_ORDER', 'there is no such order'); // is the answer to the request
    await this.events.publish(new OrderShipped(order));
    return { parcel: `parcel of ${order}` };
  }
}

@EventsHandler(OrderShipped)
export class SignalShipped {
  constructor(private readonly webwire: WebwireService) {}

  handle({ order }: OrderShipped) {
    this.webwire.signalGroup(`order ${order}`, 'shipped', order);
  }
}

@WebwireGateway()
export class OrdersGateway {
  constructor(private readonly commands: CommandBus) {}

  @WebwireRequest('ship')
  ship(@MessageBody() order: string) {
    return this.commands.execute(new ShipOrder(order));
  }
}

@Module({ imports: [CqrsModule.forRoot()], providers: [ShipOrderHandler, SignalShipped, OrdersGateway] })
export class OrdersModule {}
