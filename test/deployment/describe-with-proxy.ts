import { describe, expect, it } from 'vitest';
import { isInstalled, type ProxyKind } from './proxy.js';

/** Declares a group of tests that start a proxy. They are skipped where it is not installed, but fail in CI. */
export function describeWithProxy(kind: ProxyKind, name: string, tests: () => void): void {
  const has = isInstalled(kind);
  const reason = `there is no ${kind}, so nothing was tested behind it: install it (apt-get install ${kind})`;
  it(`${kind} is installed, as it has to be in CI`, ({ skip }) => {
    skip(!has && !process.env.CI, reason);
    expect(has || reason).toBe(true);
  });
  describe.skipIf(!has)(`${name} ${kind}`, () => {
    tests();
  });
}
