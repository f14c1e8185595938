import { UseGuards } from '@nestjs/common';
import { ConnectedSocket, MessageBody, type OnGatewayDisconnect } from '@nestjs/websockets';
import { RequestError, WebwireGateway, WebwireRequest, WebwireSignal, type WebwireConnection } from 'nestjs-webwire';
import { chat, type ChatMessage, type Draft, type Entry, type Page, type Person } from '../../api/chat-api.js';
import { CurrentPerson } from './current-person.decorator.js';
import { HistoryService } from './history.service.js';
import { RateLimiter } from './rate-limiter.js';
import { RoomService } from './room.service.js';
import { SessionGuard } from './session.guard.js';

/** Handlers for people who are signed in. */
@UseGuards(SessionGuard)
@WebwireGateway()
export class RoomGateway implements OnGatewayDisconnect<WebwireConnection> {
  /** Limit: twenty messages per ten seconds and person. */
  private readonly messages = new RateLimiter(20, 10_000);

  /** Limit: twenty typing signals per ten seconds and person. */
  private readonly typings = new RateLimiter(20, 10_000);

  constructor(
    private readonly room: RoomService,
    private readonly history: HistoryService,
  ) {}

  /** A client may receive signals before this reply. It recognises messages that it has twice by their `id`. */
  @WebwireRequest(chat.requests.enter)
  async enter(@CurrentPerson() me: Person, @ConnectedSocket() connection: WebwireConnection): Promise<Entry> {
    await this.room.enter(connection, me);
    return { me, people: this.room.people, page: await this.history.page() };
  }

  @WebwireRequest(chat.requests.history)
  async earlier(@MessageBody() { before }: { before: number }): Promise<Page> {
    return this.history.page(before);
  }

  /** The message is also sent to the tabs of its sender. */
  @WebwireRequest(chat.requests.say)
  async say(@CurrentPerson() sender: Person, @MessageBody() draft: Draft): Promise<ChatMessage> {
    const sentBefore = await this.history.find(sender, draft);
    if (sentBefore) return sentBefore;
    if (this.messages.isReached(sender.id))
      throw new RequestError('SLOW_DOWN', 'Too many messages, wait a few seconds');
    this.messages.count(sender.id);
    const { message, isNew } = await this.history.add(sender, draft);
    if (isNew) this.room.say(message);
    return message;
  }

  /** Not sent to other tabs of the same person. */
  @WebwireSignal(chat.signals.typing)
  typing(@CurrentPerson() person: Person): void {
    if (this.typings.isReached(person.id)) return;
    this.typings.count(person.id);
    this.room.typing(person);
  }

  handleDisconnect(connection: WebwireConnection): void {
    this.room.lose(connection);
  }
}
