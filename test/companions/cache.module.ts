import { Injectable, Module, type ExecutionContext } from '@nestjs/common';
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import type { WebwireConnection } from 'nestjs-webwire';

/** Keeps replies by handler, name, user and body. For handlers of requests; of a stream, it would keep the last item only. */
@Injectable()
export class MessageCacheInterceptor extends CacheInterceptor {
  protected override trackBy(context: ExecutionContext) {
    if (context.getType() !== 'ws') return super.trackBy(context);
    const ws = context.switchToWs();
    const { info } = ws.getClient<WebwireConnection>();
    const body: unknown = ws.getData();
    const kind = body instanceof Uint8Array ? 'bytes' : typeof body;
    // Fallbacks take messages of many names.
    return JSON.stringify([context.getClass().name, context.getHandler().name, ws.getPattern(), info.user, kind, body]);
  }

  protected override setHeadersWhenHttp(context: ExecutionContext, value: unknown) {
    if (context.getType() === 'http') super.setHeadersWhenHttp(context, value); // a message has no response
  }
}

@Module({ imports: [CacheModule.register({ ttl: 60_000 })], exports: [CacheModule] })
export class RepliesModule {}
