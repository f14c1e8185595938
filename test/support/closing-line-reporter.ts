import type { Reporter, TestCase, TestModule, TestRunEndReason } from 'vitest/node';

/**
 * Ends a run with the skipped tests, each with its reason, and `N passed, N failed, N skipped`. In CI all programs are
 * installed, so a skipped test is a failure.
 */
export class ClosingLineReporter implements Reporter {
  /** @param allowedReasons Reasons for which tests may be skipped in CI, too (default: none). */
  constructor(private readonly allowedReasons: readonly string[] = []) {}

  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, _reason: TestRunEndReason): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const skipped: TestCase[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state]++;
        if (state === 'skipped') skipped.push(test);
      }
    }
    for (const test of skipped) console.log(`skipped: ${test.fullName} (${reasonOf(test) ?? 'without a reason'})`);
    const refused = forbiddenSkips(skipped, this.allowedReasons);
    if (process.env.CI && refused.length > 0) {
      console.error(`${refused.length} tests were skipped, which CI does not allow`);
      process.exitCode = 1;
    }
    console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  }
}

/** The skipped tests that have another reason than the allowed ones, or none. */
export function forbiddenSkips(skipped: readonly TestCase[], allowedReasons: readonly string[]): TestCase[] {
  return skipped.filter((test) => !allowedReasons.includes(reasonOf(test) ?? ''));
}

/** The argument of `skip()`. */
function reasonOf(test: TestCase): string | undefined {
  const result = test.result();
  return result.state === 'skipped' ? result.note : undefined;
}
