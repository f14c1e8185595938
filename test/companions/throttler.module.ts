import { Injectable, Module, type ExecutionContext } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { Handshake } from 'nestjs-webwire';

/**
 * Limits messages and HTTP requests: for each handler, and each address of clients. With `@UseHandshakeGuards(MessageThrottlerGuard)`
 * on a gateway, it limits upgrades, too.
 */
@Injectable()
export class MessageThrottlerGuard extends ThrottlerGuard {
  protected override getRequestResponse(context: ExecutionContext) {
    const ws = context.switchToWs();
    // The guard reads `ip` and `headers`. Neither a message nor an upgrade has a response whose headers could be set.
    const res = { header: () => {} };
    if (context.getType() === 'ws') return { req: ws.getClient<Record<string, unknown>>(), res };
    const handshake: unknown = ws.getData();
    if (!(handshake instanceof Handshake)) return super.getRequestResponse(context);
    return { req: { ip: handshake.ip, headers: handshake.request.headers }, res };
  }
}

@Module({
  imports: [ThrottlerModule.forRoot([{ limit: 100, ttl: 60_000 }])],
  providers: [{ provide: APP_GUARD, useClass: MessageThrottlerGuard }],
})
export class LimitsModule {}
