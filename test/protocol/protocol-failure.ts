import { ProtocolError } from 'nestjs-webwire/protocol';
import { expect } from 'vitest';

/** Calls a function that must throw a `ProtocolError`, and returns the error. */
export function protocolErrorOf(run: () => unknown): ProtocolError {
  let outcome: unknown;
  try {
    outcome = run();
  } catch (error) {
    outcome = error;
  }
  expect(outcome).toBeInstanceOf(ProtocolError);
  if (!(outcome instanceof ProtocolError)) throw new Error('unreachable');
  // The text can be logged and sent as a close reason, so it has to be printable and at most 123 bytes.
  expect(outcome.message).toMatch(/^[ -~]{1,123}$/);
  return outcome;
}
