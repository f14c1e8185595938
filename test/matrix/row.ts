import type { Stage } from './stage.js';

/** One combination of versions that the package is run with. */
export interface Row {
  /** Unique; the name of the row's folder. */
  readonly name: string;
  /** What the row does, in a line. */
  readonly does: string;
  /** `true` if `.ci/run` runs it, too (default: `false`). `stage.isCi` is then `true`, so that it may check less. */
  readonly inCi?: boolean;
  /** Prepares and checks. Rejects if the check fails. */
  run(stage: Stage): Promise<void>;
}
