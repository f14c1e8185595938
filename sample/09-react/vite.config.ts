import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const from = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Builds the page into the folder from which the compiled server serves it. */
export default defineConfig({
  root: from('./web'),
  plugins: [react()],
  build: {
    outDir: from('./dist/page'),
    emptyOutDir: true,
    // The Content Security Policy forbids inline assets.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: true,
  },
});
