import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { HandshakeRejection } from '../../server/handshake.js';
import { clientMessageOf, isRequestError } from './failure.js';

/** Longest message in the response, in characters: it may quote the client. */
const MAX_MESSAGE_LENGTH = 1_024;

/**
 * Makes a HandshakeRejection of an exception that is meant for the client, and returns any other error as it is. An
 * HttpException with a status below 400 is a mistake of the guard, and stays an error of the server.
 */
export function toHandshakeRejection(error: unknown): unknown {
  if (error instanceof HandshakeRejection) return error;
  // Guards that are written for messages throw these.
  if (isRequestError(error)) return rejection(403, error.message);
  if (error instanceof WsException) return rejection(403, clientMessageOf(error));
  if (!(error instanceof HttpException)) return error;
  const status = error.getStatus();
  return Number.isInteger(status) && status >= 400 && status <= 599 ? rejection(status, clientMessageOf(error)) : error;
}

function rejection(status: number, message: string): HandshakeRejection {
  return new HandshakeRejection(status, message.slice(0, MAX_MESSAGE_LENGTH));
}
