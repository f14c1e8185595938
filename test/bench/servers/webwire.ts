import { UseGuards, UseInterceptors, type Type } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  jsonCodec,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
  WebwireStream,
} from 'nestjs-webwire';
import { NEWS } from '../exchanges.js';
import { IdentityPipe, MappingInterceptor, OpenGuard } from './enhancers.js';
import { newsPerGo, serve } from './nest-server.js';

/** A `Buffer` for a binary request, a string for a text one. */
type Body = Buffer | string;

@WebwireGateway()
class DirectGateway {
  constructor(protected readonly service: WebwireService) {}

  @WebwireRequest('echo')
  echo(@MessageBody() body: Body): Body {
    return body;
  }
  @WebwireSignal('note')
  note(): void {}
  @WebwireSignal('go')
  go(): void {
    for (let sent = 0; sent < newsPerGo; sent++) this.service.broadcast('news', NEWS);
  }
}

/** Counts messages, and refuses none. */
@WebwireGateway({ rateLimit: { limit: 1_000_000_000, window: 1_000 } })
class LimitedGateway extends DirectGateway {}

/** Finds the addresses of clients, and counts their connections. */
@WebwireGateway({ trustProxy: 'loopback', maxConnectionsPerAddress: 10_000 })
class AddressedGateway extends DirectGateway {}

/** Its requests are published on their tracing channel. */
@WebwireGateway()
class TracedGateway extends DirectGateway {}

/** Its requests have spans and metrics. */
@WebwireGateway()
class InstrumentedGateway extends DirectGateway {}

/** Global enhancers apply to its messages. */
@WebwireGateway()
class GlobalGateway extends DirectGateway {}

/** Global enhancers do not apply to its messages. */
@WebwireGateway({ globalEnhancers: false })
class LocalGateway extends DirectGateway {}

@WebwireGateway()
class GroupGateway {
  constructor(private readonly service: WebwireService) {}

  handleConnection(connection: WebwireConnection): void {
    this.service.join(connection, 'readers');
  }
  @WebwireSignal('go')
  go(): void {
    for (let sent = 0; sent < newsPerGo; sent++) this.service.signalGroup('readers', 'news', NEWS);
  }
}

@WebwireGateway()
class AsyncGateway {
  @WebwireRequest('echo')
  async echo(@MessageBody() body: Body): Promise<Body> {
    return body;
  }
}

@WebwireGateway({ codec: jsonCodec })
class JsonGateway extends DirectGateway {}

@WebwireGateway()
class GuardedGateway {
  @UseGuards(OpenGuard)
  @WebwireRequest('echo')
  echo(@MessageBody(IdentityPipe) body: Body): Body {
    return body;
  }
}

@WebwireGateway()
class InterceptedGateway {
  @UseGuards(OpenGuard)
  @UseInterceptors(MappingInterceptor)
  @WebwireRequest('echo')
  echo(@MessageBody(IdentityPipe) body: Body): Body {
    return body;
  }
}

/** Content of a large item, in bytes: nearly as many as `messageBufferSize`. */
const LARGE = 'x'.repeat(8_000);

@WebwireGateway()
class StreamsGateway {
  /** Signals to the client that asks for them. */
  @WebwireSignal('go')
  go(@ConnectedSocket() connection: WebwireConnection): void {
    for (let sent = 0; sent < newsPerGo; sent++) connection.signal('news', NEWS);
  }
  @WebwireStream('news')
  async *news(): AsyncGenerator<string> {
    for (;;) yield NEWS;
  }
  @WebwireStream('large')
  async *large(): AsyncGenerator<string> {
    for (;;) yield LARGE;
  }
}

/** A gateway with this number of handlers, of which only one is called. */
function manyHandlers(count: number): Type {
  class ManyGateway {}
  const { prototype } = ManyGateway;
  for (let n = 0; n < count; n++) {
    const method = n === 0 ? 'echo' : `other${n}`;
    const descriptor = { value: (body: Body) => body, configurable: true, writable: true };
    Object.defineProperty(prototype, method, descriptor);
    MessageBody()(prototype, method, 0);
    WebwireRequest(method)(prototype, method, descriptor);
  }
  WebwireGateway()(ManyGateway);
  return ManyGateway;
}

await serve({
  gateways: {
    direct: DirectGateway,
    limited: LimitedGateway,
    addressed: AddressedGateway,
    traced: TracedGateway,
    instrumented: InstrumentedGateway,
    global: GlobalGateway,
    local: LocalGateway,
    group: GroupGateway,
    async: AsyncGateway,
    json: JsonGateway,
    guarded: GuardedGateway,
    intercepted: InterceptedGateway,
    streams: StreamsGateway,
    1: manyHandlers(1),
    10: manyHandlers(10),
    100: manyHandlers(100),
    500: manyHandlers(500),
  },
  imports: [WebwireModule.forRoot({ maxStreams: 100 })],
  async prepare(app) {
    const variant = process.argv[2]!;
    if (['global', 'local'].includes(variant)) app.useGlobalGuards(new OpenGuard()).useGlobalPipes(new IdentityPipe());
    if (!['traced', 'instrumented'].includes(variant)) return;
    // The other variants do not load it.
    const { subscribeToRequests, makeSpansAndMetrics } = await import('./telemetry.js');
    if (variant === 'traced') subscribeToRequests();
    else makeSpansAndMetrics();
  },
});
