import { svelte } from '@sveltejs/vite-plugin-svelte';
import react from '@vitejs/plugin-react';
import vue from '@vitejs/plugin-vue';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** Builds one page for all frameworks. */
export default defineConfig({
  root: fileURLToPath(new URL('page', import.meta.url)),
  plugins: [react(), vue(), svelte({ configFile: false })],
  logLevel: 'warn',
  build: {
    emptyOutDir: true,
    // The sources show where a page fails.
    minify: false,
    chunkSizeWarningLimit: 10_000,
  },
});
