import { HttpException, HttpStatus } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { RequestError } from '../../protocol/errors.js';
import { codeOfContent, contentToMessage } from './exception-content.js';

/**
 * Also returns `true` for a RequestError of another copy of this package, such as the one that a contract's package has installed. Errors
 * of other libraries have the same name, but not both methods.
 */
export function isRequestError(error: unknown): error is RequestError {
  if (error instanceof RequestError) return true;
  const { name, getError, initMessage } = (error ?? {}) as Partial<RequestError>;
  return name === 'RequestError' && typeof getError === 'function' && typeof initMessage === 'function';
}

/** Makes a RequestError of an exception that is meant for the client, and returns any other error as it is. */
export function toFailure(error: unknown): unknown {
  if (error instanceof RequestError) return error;
  if (isRequestError(error)) return new RequestError(error.code, error.message);
  if (error instanceof WsException)
    return new RequestError(codeOfContent(error.getError()) ?? 'ERROR', clientMessageOf(error));
  if (error instanceof HttpException) return new RequestError(statusName(error.getStatus()), clientMessageOf(error));
  return error;
}

/** Returns `true` if an error is meant for the client. Any other error is a mistake in the application or an outage. */
export function isIntended(error: unknown): boolean {
  return isRequestError(error) || error instanceof WsException || error instanceof HttpException;
}

/** The message for the client of an exception of Nest's. Validation pipes put a list of messages into its content. */
export function clientMessageOf(exception: WsException | HttpException): string {
  if (exception instanceof WsException) return contentToMessage(exception.getError(), 'error', true);
  const words = statusName(exception.getStatus()).toLowerCase().replaceAll('_', ' ');
  return contentToMessage(exception.getResponse(), words);
}

function statusName(status: number): string {
  return HttpStatus[status] ?? `HTTP_${status}`;
}
