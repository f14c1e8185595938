import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Message } from '../../server/message.js';

/** Where a handler's arguments hold what: `[connection, body, message, name]`. */
export const MESSAGE_ARGUMENT = 2;

/** How Nest's pipeline gets at the message. */
export function messageOf(_data: unknown, context: ExecutionContext): Message {
  return context.getArgByIndex(MESSAGE_ARGUMENT);
}

/** Gives a handler the `Message` itself: its name, payload, identifier and `AbortSignal`. */
export const WebwireMessage: () => ParameterDecorator = createParamDecorator(messageOf);
