import { fileURLToPath } from 'node:url';

/** Path of a file that `npm run build:sample` compiled from a sample, which uses the built package as an application does. */
export function compiledSample(sample: string, file: string): string {
  return fileURLToPath(new URL(`../../sample/${sample}/dist/${file}`, import.meta.url));
}
