import { Injectable, Module, type ExecutionContext } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';

/** Limits messages and HTTP requests: for each handler, and each address of clients. */
@Injectable()
export class MessageThrottlerGuard extends ThrottlerGuard {
  protected override getRequestResponse(context: ExecutionContext) {
    if (context.getType() !== 'ws') return super.getRequestResponse(context);
    // The guard reads `ip` and `headers`, which connections have. A message has no response whose headers could be set.
    return { req: context.switchToWs().getClient<Record<string, unknown>>(), res: { header: () => {} } };
  }
}

@Module({
  imports: [ThrottlerModule.forRoot([{ limit: 100, ttl: 60_000 }])],
  providers: [{ provide: APP_GUARD, useClass: MessageThrottlerGuard }],
})
export class LimitsModule {}
