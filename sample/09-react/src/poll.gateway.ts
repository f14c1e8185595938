import { ParseEnumPipe } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
  WebwireStream,
  type Message,
} from 'nestjs-webwire';
import { CHEERS, MEALS, type Cheer, type Meal, type Results } from '../api/poll-api.js';
import { PollService } from './poll.service.js';

const isMeal = new ParseEnumPipe(Object.fromEntries(MEALS.map((meal) => [meal, meal])));
const isCheer = new ParseEnumPipe(Object.fromEntries(CHEERS.map((cheer) => [cheer, cheer])));

@WebwireGateway()
export class PollGateway {
  constructor(
    private readonly poll: PollService,
    private readonly webwire: WebwireService,
  ) {}

  handleConnection(connection: WebwireConnection): void {
    this.poll.join(connection);
  }

  handleDisconnect(connection: WebwireConnection): void {
    this.poll.leave(connection);
  }

  @WebwireRequest('vote')
  vote(@MessageBody(isMeal) meal: Meal, @ConnectedSocket() connection: WebwireConnection): void {
    this.poll.vote(connection, meal);
  }

  /** It has no end of its own. The signal ends it when the page is closed, and when the server shuts down. */
  @WebwireStream('results')
  results(@WebwireMessage() { abortSignal }: Message): AsyncGenerator<Results> {
    return this.poll.follow(abortSignal);
  }

  @WebwireSignal('cheer')
  cheer(@MessageBody(isCheer) cheer: Cheer): void {
    this.webwire.broadcast('cheer', cheer);
  }
}
