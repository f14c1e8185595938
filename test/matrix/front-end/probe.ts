import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ANSWERS } from '../../environments/probe.js';
import { expectOutput, type Executed, type Stage, type Started } from '../stage.js';

const COMPILED = '.matrix/environments';

/** Writes the program that runs on each platform, compiled, and the entry of its bundles. */
export async function writeProbe(stage: Stage): Promise<void> {
  await stage.write('probe.js', await readFile(join(stage.root, COMPILED, 'probe.js'), 'utf8'));
  await stage.write('entry.js', "import * as Probe from './probe.js';\nglobalThis.Probe = Probe;\n");
}

/** Starts the server for `probe()`, which runs on Node.js with the packages of the repository. */
export async function startServer(stage: Stage): Promise<Started & { readonly url: string }> {
  const started = await stage.start('node', [join(stage.root, COMPILED, 'serve.js')], /^ws:.*$/m);
  return { ...started, url: started.match[0] };
}

/** Runs a bundle of the program with the globals of a platform only. */
export async function runBundle(stage: Stage, platform: string, file: string, url: string): Promise<void> {
  expectAnswers(await stage.exec('node', [join(stage.root, COMPILED, 'run-bundle.js'), platform, file, url]));
}

export function expectAnswers({ output }: Executed): void {
  for (const answer of ANSWERS) expectOutput(output, answer);
}
