import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Message } from '../../server/message.js';

/** Index of the message in the arguments of a handler, `[connection, body, message, name]`. */
export const MESSAGE_ARGUMENT = 2;

/** Finds the message in an execution context of Nest's pipeline. */
export function messageArgument(_data: unknown, context: ExecutionContext): Message {
  return context.getArgByIndex(MESSAGE_ARGUMENT);
}

/** Injects the `Message` into a handler: its name, payload, identifier and `AbortSignal`. */
export const WebwireMessage: () => ParameterDecorator = createParamDecorator(messageArgument);
