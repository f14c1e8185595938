import { ProtocolError } from 'nestjs-webwire/protocol';
import { expect } from 'vitest';

/** Runs what must break the protocol and returns the error; anything else fails the test. */
export function protocolErrorOf(run: () => unknown): ProtocolError {
  let outcome: unknown;
  try {
    outcome = run();
  } catch (error) {
    outcome = error;
  }
  expect(outcome).toBeInstanceOf(ProtocolError);
  if (!(outcome instanceof ProtocolError)) throw new Error('unreachable');
  // The text may be logged and sent as a close reason: printable, and at most 123 bytes.
  expect(outcome.message).toMatch(/^[ -~]{1,123}$/);
  return outcome;
}
