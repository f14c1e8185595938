import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';

/** What a bundler makes of a program. */
export interface Bundle {
  readonly code: string;
  /** In bytes, minified and compressed by gzip. */
  readonly size: number;
  /** Modules that are not in it, but expected to be there: Node's own, for instance. */
  readonly imports: readonly string[];
}

/** Bundles a program for browsers, minified, as Vite does for a library. */
export async function bundle(program: string, project: string): Promise<Bundle> {
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
        rolldownOptions: { output: { minify: true } },
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
