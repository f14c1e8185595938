import { expectOutput } from '../stage.js';
import type { Toolchain } from './toolchain.js';

/** Versions of TypeScript by the names under which they are installed. */
export const COMPILERS = {
  'typescript-5.7': 'npm:typescript@~5.7.0',
  'typescript-5.8': 'npm:typescript@~5.8.0',
  typescript: '~6.0.0',
  'typescript-7': 'npm:typescript@~7.0.0',
};

type Compiler = keyof typeof COMPILERS;

function compiled(
  compiler: Compiler,
  type: Toolchain['type'],
  module: string,
  moduleResolution: string,
  options: { skipLibCheck?: boolean } = {},
): Toolchain {
  return {
    name: `${compiler}-${type}-${moduleResolution}`,
    type,
    async run(project) {
      await project.configure({ module, moduleResolution, ...options });
      await project.tsc(compiler);
      await project.run();
    },
  };
}

/** Compiles with options that cannot work, and expects an error in the output. */
function refused(
  compiler: Compiler,
  type: Toolchain['type'],
  { module, moduleResolution }: { module: string; moduleResolution: string },
  error: string,
): Toolchain {
  return {
    name: `${compiler}-${type}-${moduleResolution}-refused`,
    type,
    async run(project) {
      await project.configure({ module, moduleResolution });
      const { output } = await project.tsc(compiler, { fails: true });
      expectOutput(output, error);
    },
  };
}

const SUPPORTED = ['typescript-5.8', 'typescript', 'typescript-7'] as const;

const NODENEXT = { module: 'nodenext', moduleResolution: 'nodenext' };
const NODE16 = { module: 'node16', moduleResolution: 'node16' };
const NODE10 = { module: 'commonjs', moduleResolution: 'node10' };

/** TypeScript does not let CommonJS `require()` ES modules. */
const NO_REQUIRE_OF_MODULES = 'error TS1479: The current file is a CommonJS module';

export const typescriptToolchains: readonly Toolchain[] = [
  ...SUPPORTED.flatMap((compiler) => [
    // The declarations of the package are checked, too.
    compiled(compiler, 'module', 'nodenext', 'nodenext', { skipLibCheck: false }),
    compiled(compiler, 'module', 'node16', 'node16'),
    compiled(compiler, 'module', 'esnext', 'bundler'),
    compiled(compiler, 'commonjs', 'nodenext', 'nodenext'),
  ]),
  // docs/compatibility.md names these.
  refused('typescript-5.7', 'commonjs', NODENEXT, NO_REQUIRE_OF_MODULES),
  refused('typescript', 'commonjs', NODE16, NO_REQUIRE_OF_MODULES),
  refused('typescript-5.8', 'commonjs', NODE10, "error TS2307: Cannot find module 'nestjs-webwire' or"),
  refused('typescript-7', 'commonjs', NODE10, "error TS5108: Option 'moduleResolution=node10' has been removed"),
];
