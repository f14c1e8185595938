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
      { find: /^nestjs-webwire\/([a-z-]+)$/, replacement: fromRoot('lib/$1/index.ts') },
    ],
  },
  // Nest reads the parameter types that `emitDecoratorMetadata` leaves on handlers.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    include: ['test/**/*.spec.ts'],
    // Nothing is measured by these: they end what hangs, and a busy machine may take long for what does not.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // However busy the machine is.
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default', new ClosingLineReporter()],
  },
});
