import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './support/closing-line-reporter.js';

const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The settings that all configurations share. */
export default defineConfig({
  root: fromRoot('.'),
  // Samples and tests import the package by its name, which is resolved to the sources here.
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
    // These timeouts only end tests that hang, so they are long enough for a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Long enough for a busy machine.
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default', new ClosingLineReporter()],
  },
});
