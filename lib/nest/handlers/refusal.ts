import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { RequestError } from '../../server/errors.js';
import { HandshakeRejection } from '../../server/handshake.js';
import { messageOf } from './failure.js';

/** How much of a message the response holds, in characters: it may quote what the client sent. */
const MAX_MESSAGE_LENGTH = 1_024;

/**
 * Makes of what a handshake guard threw what the client may know of it; anything else stays as it is. An exception whose
 * status is no failure's is a mistake of the guard.
 */
export function toRefusal(error: unknown): unknown {
  if (error instanceof HandshakeRejection) return error;
  // Guards that are meant for messages refuse with these.
  if (error instanceof WsException || error instanceof RequestError) return refusal(403, error.message);
  if (!(error instanceof HttpException)) return error;
  const status = error.getStatus();
  return Number.isInteger(status) && status >= 400 && status <= 599 ? refusal(status, messageOf(error)) : error;
}

function refusal(status: number, message: string): HandshakeRejection {
  return new HandshakeRejection(status, message.slice(0, MAX_MESSAGE_LENGTH));
}
