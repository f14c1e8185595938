import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import type { IncomingMessage } from 'node:http';
import {
  MemorySessionManager,
  RequestError,
  UseHandshakeGuards,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type Message,
  type Payload,
  type WebwireModuleOptions,
} from 'nestjs-webwire';

/** The options of the server for `probe()`. */
export function probeOptions(): WebwireModuleOptions {
  return { sessions: { manager: new MemorySessionManager() } };
}

/** The `authorization` that `/private` demands. */
export const TOKEN = 'Bearer 1';

@Injectable()
class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    if (headers.authorization !== TOKEN) throw new UnauthorizedException();
    return true;
  }
}

/** Serves those only who send `TOKEN`. */
@UseHandshakeGuards(TokenGuard)
@WebwireGateway({ path: '/private' })
export class PrivateGateway {
  @WebwireRequest('echo')
  echo(@WebwireMessage() { payload }: Message): Payload {
    return payload;
  }
}

/** The other side of `probe()`. */
@WebwireGateway()
export class ProbeGateway {
  @WebwireRequest('echo')
  echo(@WebwireMessage() { payload }: Message): Payload {
    return payload;
  }

  @WebwireRequest('sum')
  sum(@MessageBody() body: string): number {
    return (JSON.parse(body) as number[]).reduce((sum, part) => sum + part);
  }

  @WebwireRequest('refuse')
  refuse(): never {
    throw new RequestError('REFUSED', 'try "echo"');
  }

  /** Replies when the client has given up. */
  @WebwireRequest('wait')
  wait(@WebwireMessage() { abortSignal }: Message): Promise<void> {
    return new Promise((resolve) => abortSignal.addEventListener('abort', () => resolve()));
  }

  @WebwireSignal('ping')
  ping(@ConnectedSocket() connection: WebwireConnection, @MessageBody() body: string): void {
    connection.signal('pong', body);
  }

  @WebwireStream('count')
  async *count(@MessageBody() limit: string): AsyncGenerator<string> {
    for (let number = 1; number <= Number(limit); number++) yield await Promise.resolve(String(number));
  }

  @WebwireRequest('sign in')
  async signIn(@ConnectedSocket() connection: WebwireConnection, @MessageBody() user: string): Promise<void> {
    await connection.createSession({ user });
  }

  @WebwireRequest('whoami')
  whoami(@ConnectedSocket() { session }: WebwireConnection): string {
    return (session?.info as { user: string } | undefined)?.user ?? 'nobody';
  }

  @WebwireSignal('drop')
  drop(@ConnectedSocket() connection: WebwireConnection): void {
    void connection.close({ code: 4000 });
  }
}
