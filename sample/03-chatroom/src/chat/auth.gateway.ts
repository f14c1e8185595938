import { UseGuards } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireGateway, WebwireRequest, WebwireService, type WebwireConnection } from 'nestjs-webwire';
import type { BodyOutput } from 'nestjs-webwire/contract';
import { chat, type Person } from '../../api/chat-api.js';
import { RateLimiter } from './rate-limiter.js';
import { RoomService } from './room.service.js';
import { SessionGuard } from './session.guard.js';
import { UsersService } from './users.service.js';

/** Signs people in and out. The library restores sessions on new connections, without a handler. */
@WebwireGateway()
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

  @WebwireRequest(chat.requests.signIn)
  async signIn(
    @MessageBody() { name, password }: BodyOutput<typeof chat.requests.signIn>,
    @ConnectedSocket() connection: WebwireConnection,
  ): Promise<Person> {
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
  @WebwireRequest(chat.requests.signOut)
  async signOut(@ConnectedSocket() { session }: WebwireConnection): Promise<void> {
    if (session) await this.webwire.closeSession(session.key);
    this.room.update();
  }
}
