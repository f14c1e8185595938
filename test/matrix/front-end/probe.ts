import { join } from 'node:path';
import { ANSWERS } from '../../environments/probe.js';
import { expectOutput, type Executed, type Stage, type Started } from '../stage.js';

const COMPILED = '.matrix/environments';

/** The compiled program that runs on each platform: a path in the repository. */
export const PROBE = `${COMPILED}/probe.js`;

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
