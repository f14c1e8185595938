import { UseGuards } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  jsonCodec,
  RequestError,
  WebwireGateway,
  WebwireRequest,
  WebwireService,
  type WebwireConnection,
} from 'nestjs-webwire';
import type { Reply } from '../../api/chat-api.js';
import { CredentialsDto } from './dto/credentials.dto.js';
import { RateLimiter } from './rate-limiter.js';
import { RoomService } from './room.service.js';
import { SessionGuard } from './session.guard.js';
import { UsersService } from './users.service.js';

/** Signs people in and out. The library restores sessions on new connections, without a handler. */
@WebwireGateway({ codec: jsonCodec })
export class AuthGateway {
  /** Limit: ten wrong passwords per minute and address. */
  private readonly failures = new RateLimiter(10, 60_000);

  /** Limit: sixty sign-ins per minute and person, because each one creates a stored session. */
  private readonly signIns = new RateLimiter(60, 60_000);

  constructor(
    private readonly users: UsersService,
    private readonly room: RoomService,
    private readonly webwire: WebwireService,
  ) {}

  @WebwireRequest('signIn')
  async signIn(
    @MessageBody() { name, password }: CredentialsDto,
    @ConnectedSocket() connection: WebwireConnection,
  ): Promise<Reply<'signIn'>> {
    const address = connection.remoteAddress ?? '';
    if (this.failures.isReached(address))
      throw new RequestError('TOO_MANY_ATTEMPTS', 'Too many attempts, wait a minute');
    const person = this.users.verify(name, password);
    if (!person) {
      this.failures.count(address);
      throw new RequestError('WRONG_CREDENTIALS', 'Incorrect name or password, try again');
    }
    if (this.signIns.isReached(person.id))
      throw new RequestError('TOO_MANY_ATTEMPTS', 'Too many attempts, wait a minute');
    this.signIns.count(person.id);
    await connection.closeSession(); // of a person who is still signed in
    await connection.createSession({ user: person.id });
    this.room.update();
    return person;
  }

  @UseGuards(SessionGuard)
  @WebwireRequest('signOut')
  async signOut(@ConnectedSocket() { session }: WebwireConnection): Promise<Reply<'signOut'>> {
    if (session) await this.webwire.closeSession(session.key);
    this.room.update();
  }
}
