import { UsePipes, ValidationPipe } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireGateway, WebwireRequest, WebwireService, type WebwireConnection } from 'nestjs-webwire';
import type { Publication } from '../pubsub-api.js';
import { PublicationDto, TopicDto } from './topic.dto.js';

/** Each topic is a group of connections. A connection that ends leaves its groups automatically. */
@UsePipes(new ValidationPipe())
@WebwireGateway({ codec: jsonCodec })
export class TopicsGateway {
  constructor(private readonly webwire: WebwireService) {}

  @WebwireRequest('subscribe')
  subscribe(@MessageBody() { topic }: TopicDto, @ConnectedSocket() connection: WebwireConnection) {
    this.webwire.join(connection, topic);
  }

  @WebwireRequest('unsubscribe')
  unsubscribe(@MessageBody() { topic }: TopicDto, @ConnectedSocket() connection: WebwireConnection) {
    this.webwire.leave(connection, topic);
  }

  /** The signal is encoded only once for all subscribers. */
  @WebwireRequest('publish')
  publish(@MessageBody() { topic, text }: PublicationDto) {
    const publication: Publication = { topic, text, at: new Date().toISOString() };
    return { receivers: this.webwire.signalGroup(topic, 'published', publication) };
  }
}
