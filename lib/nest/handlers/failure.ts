import { HttpException, HttpStatus } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { RequestError } from '../../protocol/errors.js';
import { codeOfContent, contentToMessage } from './exception-content.js';

/** Makes a RequestError of an exception that is meant for the client; any other failure stays as it is. */
export function toFailure(error: unknown): unknown {
  if (error instanceof WsException)
    return new RequestError(codeOfContent(error.getError()) ?? 'ERROR', messageOf(error));
  if (error instanceof HttpException) return new RequestError(statusName(error.getStatus()), messageOf(error));
  return error;
}

/** Whether a failure is meant for the client. Anything else is a mistake, or a failure of something else. */
export function isIntended(error: unknown): boolean {
  return error instanceof RequestError || error instanceof WsException || error instanceof HttpException;
}

/** The message of an exception of Nest's for the client. Validation pipes put theirs into the content, as a list. */
export function messageOf(exception: WsException | HttpException): string {
  if (exception instanceof WsException) return contentToMessage(exception.getError(), 'error', 'code');
  const words = statusName(exception.getStatus()).toLowerCase().replaceAll('_', ' ');
  return contentToMessage(exception.getResponse(), words);
}

function statusName(status: number): string {
  return HttpStatus[status] ?? `HTTP_${status}`;
}
