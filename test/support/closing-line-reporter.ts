import type { Reporter, TestCase, TestModule, TestRunEndReason } from 'vitest/node';

/** Ends a run with the skipped tests, each with its reason, and `N passed, N failed, N skipped`. */
export class ClosingLineReporter implements Reporter {
  /**
   * @param allowedReasons The reasons for which tests may be skipped. Other skipped tests make the run fail. By default, any
   *   reason is allowed, but in CI none is, as all programs are installed there.
   */
  constructor(private readonly allowedReasons: readonly string[] | undefined = process.env.CI ? [] : undefined) {}

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
    const refused = this.allowedReasons ? forbiddenSkips(skipped, this.allowedReasons) : [];
    if (refused.length > 0) {
      console.error(`${refused.length} of the skipped tests must not be skipped in this run`);
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
