import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { RequestError } from '../../protocol/errors.js';
import { HandshakeRejection } from '../../server/handshake.js';
import { messageOf } from './failure.js';

/** Length of the message in the response, in characters: it may quote what the client sent. */
const MAX_MESSAGE_LENGTH = 1_024;

/**
 * Makes a HandshakeRejection of an exception that is meant for the client; any other failure stays as it is. An exception
 * whose status is not that of a failure is a mistake of the guard.
 */
export function toRefusal(error: unknown): unknown {
  if (error instanceof HandshakeRejection) return error;
  // Guards that are written for messages refuse with these.
  if (error instanceof RequestError) return refusal(403, error.message);
  if (error instanceof WsException) return refusal(403, messageOf(error));
  if (!(error instanceof HttpException)) return error;
  const status = error.getStatus();
  return Number.isInteger(status) && status >= 400 && status <= 599 ? refusal(status, messageOf(error)) : error;
}

function refusal(status: number, message: string): HandshakeRejection {
  return new HandshakeRejection(status, message.slice(0, MAX_MESSAGE_LENGTH));
}
