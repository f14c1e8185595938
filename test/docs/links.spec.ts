import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readDocuments } from './documents.js';

const documents = readDocuments();

/** The reason why a link leads nowhere, or `undefined`. Links to other sites are not followed. */
function faultOf(path: string, target: string): string | undefined {
  if (/^[a-z]+:/.test(target)) return /^(https:\/\/|http:\/\/localhost|mailto:)/.test(target) ? undefined : 'scheme';
  const [file = '', anchor] = target.split('#');
  const found = file === '' ? path : posix.join(posix.dirname(path), decodeURIComponent(file));
  if (!existsSync(fileURLToPath(new URL(`../../${found}`, import.meta.url)))) return 'no such file';
  if (anchor === undefined) return undefined;
  return documents.get(found)?.anchors.has(anchor) ? undefined : 'no such heading';
}

it('there are documents', () => {
  expect([...documents.keys()]).toEqual(
    expect.arrayContaining(['README.md', 'docs/client.md', 'sample/01-echo/README.md']),
  );
});

/** A page that is longer is two topics. The protocol is one specification. */
const LIMITS: Readonly<Record<string, number>> = { 'README.md': 12_000, 'docs/PROTOCOL.md': Infinity };

it.each([...documents.values()].filter(({ path }) => /^(README|docs\/)/.test(path)))(
  '$path is short',
  ({ path, text }) => {
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LIMITS[path] ?? 15_000);
  },
);

it.each([...documents.values()])('the links of $path lead somewhere', ({ path, links }) => {
  const broken = links.flatMap(({ line, target }) => {
    const fault = faultOf(path, target);
    return fault ? [`${path}:${line} ${target}: ${fault}`] : [];
  });
  expect(broken).toEqual([]);
});
