import { ValidationPipe } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { Type } from 'class-transformer';
import { IsArray, IsInt, IsPositive, IsString, ValidateNested } from 'class-validator';
import { jsonCodec, WebwireGateway, WebwireModule, WebwireRequest } from 'nestjs-webwire';
import { defineContract } from 'nestjs-webwire/contract';
import { z } from 'zod';
import { serve } from './nest-server.js';

// The same checks in both ways: of classes, and of a schema.

class AddressDto {
  @IsString() city!: string;
  @IsString() zip!: string;
}

class OrderDto {
  @IsString() product!: string;
  @IsInt() @IsPositive() quantity!: number;
  @IsArray() @IsString({ each: true }) tags!: string[];
  @ValidateNested() @Type(() => AddressDto) address!: AddressDto;
}

@WebwireGateway()
class PipedGateway {
  @WebwireRequest('order', { codec: jsonCodec })
  order(@MessageBody(new ValidationPipe({ whitelist: true, transform: true })) order: OrderDto): OrderDto {
    return order;
  }
}

const Order = z.object({
  product: z.string(),
  quantity: z.int().positive(),
  tags: z.array(z.string()),
  address: z.object({ city: z.string(), zip: z.string() }),
});

const shop = defineContract({ requests: { order: { body: Order, reply: Order } } });

@WebwireGateway()
class ContractGateway {
  @WebwireRequest(shop.requests.order)
  order(@MessageBody() order: z.output<typeof Order>): z.output<typeof Order> {
    return order;
  }
}

await serve({ gateways: { piped: PipedGateway, contract: ContractGateway }, imports: [WebwireModule.forRoot()] });
