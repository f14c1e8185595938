import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';

/** The result of bundling a program. */
export interface Bundle {
  readonly code: string;
  /** Size, minified and compressed by gzip, in bytes. */
  readonly size: number;
  /** Modules that the bundle imports, such as those of Node.js. */
  readonly imports: readonly string[];
}

/**
 * Bundles a program for browsers, minified, as Vite does for a library.
 * @param external Packages that stay imports.
 */
export async function bundle(program: string, project: string, external: string[] = []): Promise<Bundle> {
  const folder = await mkdtemp(join(project, 'bundle-'));
  try {
    const entry = join(folder, 'entry.js');
    await writeFile(entry, program);
    const output = await build({
      root: folder,
      configFile: false,
      logLevel: 'silent',
      build: {
        write: false,
        lib: { entry, formats: ['es'] },
        // By default, Vite leaves the white space of libraries.
        rolldownOptions: { external, output: { minify: true } },
      },
    });
    const [chunk] = (output as Rolldown.RolldownOutput[])[0]!.output;
    return {
      code: chunk.code,
      size: gzipSync(chunk.code).length,
      imports: [...chunk.imports, ...chunk.dynamicImports],
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
