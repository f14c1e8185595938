import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig, type Plugin } from 'vitest/config';
import { ClosingLineReporter } from '../support/closing-line-reporter.js';
import { DROPS_REQUESTS, dropsRequests } from '../support/dropped-requests.js';
import { isNestSince, WITHOUT_INSTRUMENT, WITHOUT_STANDARD_SCHEMA } from '../support/nest-version.js';
import base from '../vitest.base.js';
import { inProjects } from '../vitest.projects.js';
import { LEFT_OUT_ON_BUN } from './runtimes/left-out-on-bun.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** These replace modules or load them again, which is possible only if Vitest loads the sources. */
const ON_SOURCES =
  /test\/(react\/react-version|(nest\/internals\/nest-parts|client\/(failure-details|web-sockets)|protocol\/text)\.spec)\.ts$/;

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

const isBun = process.versions.bun !== undefined;

const allowedSkips = [
  ...(isNestSince('12.0.0') ? [] : [WITHOUT_STANDARD_SCHEMA]),
  ...(isNestSince('11.1.4') ? [] : [WITHOUT_INSTRUMENT]),
  ...(dropsRequests ? [DROPS_REQUESTS] : []),
  ...(isBun ? LEFT_OUT_ON_BUN.map(({ reason }) => reason) : []),
];

/** Tests of `BunTransport` on Bun itself are in files of their own, which Vitest on Node.js does not find. */
const include = [...base.test!.include!, ...(isBun ? ['test/bun/*.bun.ts'] : [])];

/** The site of the documents is not built for the matrix: it depends neither on Nest nor on a runtime. */
const exclude = [...configDefaults.exclude, 'test/browser/site.spec.ts'];

// The tests try as many inputs as outside of CI, whose `npm test` tries more.
delete process.env.CI;

export default defineConfig({
  ...base,
  test: {
    ...inProjects(
      {
        ...base,
        plugins: [builtPackage()],
        test: { ...base.test, include, exclude, server: { deps: { external: [/\/dist\//] } } },
      },
      isBun ? ['test/matrix/runtimes/leave-out-on-bun.ts'] : [],
    ),
    reporters: ['default', new ClosingLineReporter(allowedSkips)],
  },
});
