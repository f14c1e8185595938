import { ConnectedSocket, MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  RequestError,
  SessionError,
  WebwireGateway,
  WebwireRequest,
  WebwireServer,
  WebwireService,
  WebwireConnection,
} from 'nestjs-webwire';
import { Chaos, pass } from './chaos.js';

/** Slow handlers that change sessions. */
@WebwireGateway()
export class SessionGateway {
  @WebSocketServer() readonly server!: WebwireServer;

  constructor(
    private readonly service: WebwireService,
    private readonly chaos: Chaos,
  ) {}

  @WebwireRequest('create')
  async create(@ConnectedSocket() connection: WebwireConnection, @MessageBody() request: string): Promise<void> {
    try {
      await connection.createSession({ request });
    } catch (error) {
      if (error instanceof SessionError) throw new RequestError(error.code, error.message);
      throw error;
    }
    await this.work();
  }

  @WebwireRequest('logout')
  async logout(@ConnectedSocket() connection: WebwireConnection): Promise<void> {
    await connection.closeSession();
    await this.work();
  }

  @WebwireRequest('close key')
  async closeKey(@MessageBody() key: string): Promise<void> {
    await this.service.closeSession(key);
    await this.work();
  }

  @WebwireRequest('work')
  async work(): Promise<void> {
    await pass(this.chaos.next().ticks);
  }
}
