import { SessionError } from './session-error.js';
import { ignoreRejections } from '../common/ignore-rejections.js';
import { copyJson, kindOf, NotJsonError, type JsonValue } from '../common/json-copy.js';

export type { JsonValue } from '../common/json-copy.js';

/** Data that an application keeps in a session. */
export type SessionInfo = { readonly [name: string]: JsonValue };

/**
 * A deeply frozen copy. Members that are `undefined` are left out and -0 becomes 0, as in JSON.
 * @throws SessionError `INVALID_SESSION_INFO`, with the path of the value, if JSON cannot express a value, or would
 *   give it back as another one, such as a `Date`.
 */
export function copySessionInfo(info: object): SessionInfo {
  if (Array.isArray(info)) {
    ignoreRejections(info);
    throwInvalid('info is an array, but must be an object');
  }
  // Session managers of an application may return other values than their types allow.
  if (typeof info !== 'object' || info === null) throwInvalid(`info is ${kindOf(info)}, but must be an object`);
  try {
    return copyJson(info, 'info') as SessionInfo;
  } catch (error) {
    if (error instanceof NotJsonError) throwInvalid(error.message);
    throw error;
  }
}

function throwInvalid(problem: string): never {
  throw new SessionError('INVALID_SESSION_INFO', `session ${problem}`);
}
