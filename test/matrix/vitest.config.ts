import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';
import config from '../vitest.base.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** These replace modules that the sources import, which is possible only if Vitest loads the sources. */
const ON_SOURCES = /test\/nest\/internals\/nest-parts\.spec\.ts$/;

/**
 * Lets tests use the built package in place of its sources, loaded by the runtime itself, as in an application: Vitest would
 * load CommonJS packages in a way of its own, which finds exports that the runtime does not find.
 */
function builtPackage(): Plugin {
  return {
    name: 'built-package',
    enforce: 'pre',
    async resolveId(source, importer, options) {
      if (!importer || ON_SOURCES.test(importer) || importer.startsWith(`${ROOT}lib/`)) return undefined;
      const resolved = await this.resolve(source, importer, { ...options, skipSelf: true });
      if (!resolved?.id.startsWith(`${ROOT}lib/`)) return resolved;
      return { id: resolved.id.replace(`${ROOT}lib/`, `${ROOT}dist/`).replace(/\.ts$/, '.js'), external: true };
    },
  };
}

export default defineConfig({
  ...config,
  plugins: [builtPackage()],
  test: { ...config.test, server: { deps: { external: [/\/dist\//] } } },
});
