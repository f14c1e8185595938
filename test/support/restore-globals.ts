import { afterAll, vi } from 'vitest';

const { Date, setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
const TIMERS = { Date, setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };

// The files of one process follow each other. Each of them finds real timers and globals, whatever the one before it replaced.
afterAll(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  const left = Object.entries(TIMERS).filter(([name, timer]) => Reflect.get(globalThis, name) !== timer);
  Object.assign(globalThis, TIMERS);
  if (left.length === 0) return;
  const names = left.map(([name]) => name).join(', ');
  throw new Error(
    `The global ${names} is not the real one after this file: restore spies and stubs before useRealTimers()`,
  );
});
