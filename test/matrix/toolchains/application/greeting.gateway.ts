import { ValidationPipe } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  jsonCodec,
  Message,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
} from 'nestjs-webwire';
import { GreetingDto } from './greeting.dto.js';
import { GreetingService } from './greeting.service.js';

@WebwireGateway({ codec: jsonCodec })
export class GreetingGateway {
  // Found by its type, which the compiler has to leave in the metadata.
  constructor(private readonly greetings: GreetingService) {}

  @WebwireRequest('greet')
  greet(@MessageBody(new ValidationPipe()) { name }: GreetingDto): { greeting: string } {
    return { greeting: this.greetings.greet(name) };
  }

  @WebwireRequest('remind')
  remind(@WebwireMessage() { abortSignal }: Message): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, 60 * 60_000, 'an hour has passed');
      abortSignal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(abortSignal.reason);
      });
    });
  }

  @WebwireSignal('ping')
  ping(@MessageBody() body: unknown, @ConnectedSocket() connection: WebwireConnection): void {
    connection.signal('pong', body);
  }

  @WebwireStream('letters')
  async *letters(@MessageBody(new ValidationPipe()) { name }: GreetingDto): AsyncGenerator<string> {
    for (const letter of name) yield await Promise.resolve(letter);
  }
}
