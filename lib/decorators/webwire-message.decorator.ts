import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Message } from '../server/message.js';

/** Where a handler's arguments hold what: `[connection, body, message, name]`. */
export const MESSAGE_ARGUMENT = 2;

/** Gives a handler the `Message` itself: its name, payload, identifier and `AbortSignal`. */
export const WebwireMessage: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Message => context.getArgByIndex(MESSAGE_ARGUMENT),
);
