import { Injectable, Module } from '@nestjs/common';
import { ClsModule, ClsService, UseCls } from 'nestjs-cls';
import { WebwireConnection, WebwireGateway, WebwireRequest } from 'nestjs-webwire';

@Module({
  imports: [
    ClsModule.forRoot({
      global: true,
      // Begins the context of each request, stream and signal.
      guard: {
        mount: true,
        generateId: true,
        setup: (cls, context) => {
          if (context.getType() === 'ws')
            cls.set('user', context.switchToWs().getClient<WebwireConnection>().info.user);
        },
      },
    }),
  ],
})
export class ContextModule {}

@Injectable()
export class AuditService {
  constructor(private readonly cls: ClsService) {}

  entry() {
    return `${this.cls.getId()} of ${this.cls.get('user')}`;
  }
}

@WebwireGateway()
export class AuditGateway {
  constructor(private readonly audit: AuditService) {}

  @WebwireRequest('audit')
  check() {
    return this.audit.entry();
  }

  // Guards do not run before hooks, so each hook begins a context of its own.
  @UseCls({ generateId: true, setup: (cls, connection: WebwireConnection) => cls.set('user', connection.info.user) })
  async handleConnection(connection: WebwireConnection) {
    connection.signal('connected', this.audit.entry());
  }
}
