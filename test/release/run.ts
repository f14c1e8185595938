/**
 * `check` and `prepare`, run by `npm version`: the files of `.changes` must fit the new version, and move into the changelog.
 * `verify TAG`, run before a tag is published, fails unless everything agrees with the tag.
 */
import { ReleaseFiles } from './release-files.js';

const [command, tag] = process.argv.slice(2);
const { npm_old_version: previous, npm_new_version: version } = process.env;
const files = new ReleaseFiles(process.cwd());

const problems = await run();
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

async function run(): Promise<string[]> {
  if (command === 'verify' && tag !== undefined) return files.problemsOf(tag);
  if ((command !== 'check' && command !== 'prepare') || !previous || !version) {
    return ['usage: npm version major | minor | patch', '       node .release/run.js verify TAG'];
  }
  try {
    if (command === 'check') await files.check(previous, version);
    else await files.prepare(previous, version, new Date().toISOString().slice(0, 10));
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}
