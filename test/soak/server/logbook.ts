import type { LoggerService } from '@nestjs/common';
import type { Failures } from '../failures.js';
import { ON_PURPOSE } from '../wire.js';

/** Warnings that are expected with such clients. */
const EXPECTED_WARNINGS = [
  / broke the protocol and is closed: /,
  / reads too slowly and is dropped: /,
  / has taken nothing for the read timeout /,
];

/** Errors that handlers provoke: failures on purpose, and replies that are larger than the client's buffer. */
const EXPECTED_ERRORS = [new RegExp(ON_PURPOSE), /^The reply to request "large" was not sent .*BufferOverflowError/s];

/** The log of all applications: any other warning or error is a failure of the run. */
export class Logbook implements LoggerService {
  constructor(private readonly failures: Failures) {}

  log(): void {}

  warn(...parts: unknown[]): void {
    this.#expect('warned', EXPECTED_WARNINGS, parts);
  }

  error(...parts: unknown[]): void {
    this.#expect('logged an error', EXPECTED_ERRORS, parts);
  }

  fatal(...parts: unknown[]): void {
    this.#expect('logged a fatal error', [], parts);
  }

  #expect(what: string, expected: readonly RegExp[], parts: readonly unknown[]): void {
    const text = parts.map(String).join(' ');
    if (!expected.some((pattern) => pattern.test(text))) this.failures.add(`the server ${what}: ${text}`);
  }
}
