import { MAX_CLOSE_REASON_LENGTH } from '../common/close-reason.js';
import { checkAll, stringThat, type OptionRules } from '../common/options.js';
import type { CloseCause } from './connection-closer.js';

/** Close frame of `connection.close()`, which the client receives. */
export interface CloseOptions {
  /**
   * Close code: 1000, or a code of the application from 4000 to 4999. A `WebwireClient` does not reconnect after 4400 to 4499.
   * @default 1000
   */
  code?: number | undefined;
  /**
   * Reason, for programs or people: at most 123 bytes of UTF-8.
   * @default ''
   */
  reason?: string | undefined;
}

const CLOSE_RULES: OptionRules<CloseOptions> = {
  code: {
    allowed: '1000, or an integer from 4000 to 4999',
    accepts: (value) =>
      value === 1000 || (Number.isInteger(value) && (value as number) >= 4000 && (value as number) <= 4999),
  },
  reason: stringThat(
    `a string of at most ${MAX_CLOSE_REASON_LENGTH} bytes in UTF-8`,
    (value) => Buffer.byteLength(value) <= MAX_CLOSE_REASON_LENGTH,
  ),
};

/** @throws InvalidOptionError */
export function closeCauseOf(options: CloseOptions): CloseCause {
  const { code = 1000, reason = '' } = checkAll<CloseOptions>(options, CLOSE_RULES, 'close.');
  return { code, text: reason, reason: 'server-close' };
}
