import { UseGuards, UseInterceptors } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireModule, WebwireRequest } from 'nestjs-webwire';
import { IdentityPipe, MappingInterceptor, OpenGuard } from './enhancers.js';
import { serve } from './nest-server.js';

/** A `Buffer` for a binary request, a string for a text one. */
type Body = Buffer | string;

@WebwireGateway()
class DirectGateway {
  @WebwireRequest('echo')
  echo(@MessageBody() body: Body): Body {
    return body;
  }
}

@WebwireGateway()
class AsyncGateway {
  @WebwireRequest('echo')
  async echo(@MessageBody() body: Body): Promise<Body> {
    return body;
  }
}

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

await serve({
  gateways: {
    direct: DirectGateway,
    async: AsyncGateway,
    guarded: GuardedGateway,
    intercepted: InterceptedGateway,
  },
  imports: [WebwireModule.forRoot()],
});
