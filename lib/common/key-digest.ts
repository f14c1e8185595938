import { createHash } from 'node:crypto';

/**
 * Returns the SHA-256 of a session key, as URL-safe base64. Sessions are looked up by this digest, so that the time of a
 * lookup does not reveal which part of a guessed key is right.
 */
export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
