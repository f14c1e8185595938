import { HttpException, HttpStatus } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { RequestError } from '../../server/errors.js';

/** Makes of what a handler threw what the client may know of it; anything else stays as it is. */
export function toFailure(error: unknown): unknown {
  if (error instanceof WsException) return new RequestError(codeOf(error.getError()), error.message);
  if (error instanceof HttpException) return new RequestError(statusName(error.getStatus()), messageOf(error));
  return error;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && code !== '' ? code : 'ERROR';
}

function statusName(status: number): string {
  return HttpStatus[status] ?? `HTTP_${status}`;
}

/**
 * What the client may read. Validation pipes put what is wrong into the response, as a list; the exception's own message
 * says nothing. The message of an error that stands for the response is not for clients.
 */
export function messageOf(exception: HttpException): string {
  const response: unknown = exception.getResponse();
  if (response instanceof Error) return statusName(exception.getStatus()).toLowerCase().replaceAll('_', ' ');
  const message = typeof response === 'string' ? response : (response as { message?: unknown } | null)?.message;
  if (Array.isArray(message)) return message.join('; ');
  return typeof message === 'string' ? message : exception.message;
}
