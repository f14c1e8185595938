import { afterAll, vi } from 'vitest';

// The files of one process follow each other. Each of them finds real timers and globals, whatever the one before it replaced.
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});
