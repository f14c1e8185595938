import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../../lib/cli/run.js';

const DOCUMENT = JSON.stringify({
  asyncapi: '3.0.0',
  info: { title: 'A', version: '1' },
  channels: { root: { address: '/' } },
});
const TYPES = expect.stringContaining('export interface Api {') as string;

async function webwire(args: string[], stdin = '') {
  const written = { stdout: '', stderr: '' };
  const into = (name: keyof typeof written) => ({ write: (text: string) => void (written[name] += text) });
  const input = (async function* () {
    yield await Promise.resolve(Buffer.from(stdin));
  })();
  const code = await run(args, { stdin: input, stdout: into('stdout'), stderr: into('stderr') });
  return { code, ...written };
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'webwire-cli-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

function deepDocument(): string {
  const depth = 50_000;
  const schema = '{"items":'.repeat(depth) + '{}' + '}'.repeat(depth);
  return DOCUMENT.replace('{', `{"components":{"schemas":{"Deep":${schema}}},`);
}

describe('webwire types', () => {
  it('reads a file and writes another', async () => {
    const path = await folder();
    const [from, to] = [join(path, 'asyncapi.json'), join(path, 'api.ts')];
    await writeFile(from, DOCUMENT);
    expect(await webwire(['types', from, '-o', to])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await readFile(to, 'utf8')).toEqual(TYPES);
    expect(await webwire(['types', from, '--output', to])).toMatchObject({ code: 0 });
  });

  it('reads standard input and writes standard output', async () => {
    expect(await webwire(['types'], DOCUMENT)).toEqual({ code: 0, stdout: TYPES, stderr: '' });
    expect(await webwire(['types', '-'], DOCUMENT)).toEqual({ code: 0, stdout: TYPES, stderr: '' });
  });

  it.each([
    ['what is not JSON', 'text', 'JSON'],
    ['another document', '{}', 'it is not a document of AsyncAPI 3'],
    ['a document that is nested too deeply', deepDocument(), 'it is nested too deeply'],
  ])('fails for %s', async (_what, input, reason) => {
    const { code, stdout, stderr } = await webwire(['types'], input);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^webwire types: -: /);
    expect(stderr).toContain(reason);
  });

  it('accepts a byte-order mark', async () => {
    expect(await webwire(['types'], `\ufeff${DOCUMENT}`)).toEqual({ code: 0, stdout: TYPES, stderr: '' });
  });

  it('quotes no control characters of what is not JSON', async () => {
    const { stderr } = await webwire(['types'], '\u001b[31m \u202e');
    expect(stderr).toContain('\\u{1b}');
    expect(stderr).not.toContain('\u001b');
  });

  it('names the file that cannot be written', async () => {
    const path = join(await folder(), 'none', 'api.ts');
    const { code, stderr } = await webwire(['types', '-o', path], DOCUMENT);
    expect(code).toBe(1);
    expect(stderr).toContain(`webwire types: ${path}: ENOENT`);
  });

  it('fails for a file that does not exist', async () => {
    const path = join(await folder(), 'none.json');
    expect(await webwire(['types', path])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ENOENT') as string,
    });
  });
});

describe('webwire', () => {
  it('shows its usage', async () => {
    expect(await webwire(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage:') as string });
    expect(await webwire([])).toMatchObject({ code: 2, stdout: expect.stringContaining('Usage:') as string });
  });

  it.each([
    [['type'], 'there is no command "type"'],
    [['types', '--out', 'a'], '--out'],
    [['types', 'a', 'b'], 'more than one document'],
    [['types', '-o'], '-o'],
  ])('refuses the arguments %j', async (args, reason) => {
    const { code, stderr } = await webwire(args);
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
  });
});
