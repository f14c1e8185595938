import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './support/closing-line-reporter.js';

const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

export default defineConfig({
  root: fromRoot('.'),
  // Samples and tests import the package by its name; here that means the sources.
  resolve: {
    alias: [
      { find: /^nestjs-webwire$/, replacement: fromRoot('lib/index.ts') },
      { find: /^nestjs-webwire\/protocol$/, replacement: fromRoot('lib/protocol/index.ts') },
      { find: /^nestjs-webwire\/client$/, replacement: fromRoot('lib/client/index.ts') },
      { find: /^nestjs-webwire\/redis$/, replacement: fromRoot('lib/redis/index.ts') },
    ],
  },
  // Nest reads the parameter types that `emitDecoratorMetadata` leaves on handlers.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    include: ['test/**/*.spec.ts'],
    testTimeout: 10_000,
    hookTimeout: 20_000,
    // However busy the machine is.
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default', new ClosingLineReporter()],
  },
});
