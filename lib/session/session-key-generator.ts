import { randomBytes } from 'node:crypto';

/** Longest session key, in bytes. */
export const MAX_SESSION_KEY_LENGTH = 255;

/** Makes the keys of new sessions. Extend it for keys of your own; the class is also the injection token. */
export abstract class SessionKeyGenerator {
  /**
   * Makes a key that nobody can guess and that never came before: 1 to 255 printable ASCII characters, else it is refused,
   * and so is the session. For `FileSessionManager`, 1 to 247 letters, digits, `-`, `_` and `=`, and not the name of a
   * device on Windows.
   */
  abstract generate(): string | Promise<string>;
}

/** 48 random bytes as URL-safe base64: 64 characters (PROTOCOL.md, section 6). */
export class RandomSessionKeyGenerator extends SessionKeyGenerator {
  generate(): string {
    return randomBytes(48).toString('base64url');
  }
}

/** Whether a session can have this key: what may travel in a restore request. */
export function isSessionKey(key: unknown): key is string {
  return typeof key === 'string' && key.length <= MAX_SESSION_KEY_LENGTH && /^[\x20-\x7e]+$/.test(key);
}
