import { randomBytes } from 'node:crypto';

/** The longest session key, in bytes. */
const MAX_SESSION_KEY_LENGTH = 255;

/** Makes the keys of new sessions. Extend it for keys of your own; the class is also the injection token. */
export abstract class SessionKeyGenerator {
  /**
   * Makes a key that cannot be guessed and that was never used before: 1 to 255 printable ASCII characters. For
   * `FileSessionManager`, 1 to 247 letters, digits, `-`, `_` and `=`, and not the name of a device on Windows. Any other
   * key, and a key that takes longer than `sessions.managerTimeout`, fails `createSession()`.
   */
  abstract generate(): string | Promise<string>;
}

/** Makes keys of 48 random bytes as URL-safe base64: 64 characters (docs/PROTOCOL.md, section 6). */
export class RandomSessionKeyGenerator extends SessionKeyGenerator {
  generate(): string {
    return randomBytes(48).toString('base64url');
  }
}

/** True if a value can be the key of a session, so that a restore request can carry it. */
export function isSessionKey(key: unknown): key is string {
  return typeof key === 'string' && key.length <= MAX_SESSION_KEY_LENGTH && /^[\x20-\x7e]+$/.test(key);
}
