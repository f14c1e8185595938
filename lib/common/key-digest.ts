import { createHash } from 'node:crypto';

/**
 * The SHA-256 of a session key, as URL-safe base64. Sessions are looked up by it: the time that a lookup takes then reveals
 * nothing about how much of a guessed key is right.
 */
export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
