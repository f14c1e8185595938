import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { slug } from 'github-slugger';
import { ROOT } from './folders.js';

/** The anchors of the sections of the protocol, by their numbers. */
const PROTOCOL_SECTIONS = new Map(
  [...readFileSync(join(ROOT, 'docs/PROTOCOL.md'), 'utf8').matchAll(/^##+ (([\d.]+) .*)$/gm)].map(
    ([, heading, number]): [string, string] => [number!, slug(heading!)],
  ),
);

/** Shortens a page of the reference: a detail of a member needs no heading, and no block of code. */
export function condense(markdown: string): string {
  return (
    markdown
      // Type parameters have a section of their own.
      .replace(/^(# .*?)\\<.*$/m, '$1')
      .replaceAll(/^#+ Get Signature\n\n/gm, '')
      // Only classes of the language have no link. Everything overrides them.
      .replaceAll(/^#### Overrides\n\n`[^[\]\n]*`\n\n?/gm, '')
      .replaceAll(/^####+ Default\n\n```ts\n(.*)\n```$/gm, '**Default:** `$1`')
      .replaceAll(/^####+ (Default|Returns|Throws|Inherited from|Overrides|Implementation of)\n\n/gm, '**$1:** ')
      // A description that is missing.
      .replaceAll(/ \| - (?=\|)/g, ' | ')
      .replaceAll(/docs\/PROTOCOL\.md, section ([\d.]*\d)/g, (text, number: string) => {
        const anchor = PROTOCOL_SECTIONS.get(number);
        return anchor ? `[the protocol, section ${number}](/PROTOCOL.md#${anchor})` : text;
      })
      .replaceAll(/docs\/PROTOCOL\.md/g, '[the protocol](/PROTOCOL.md)')
      .replaceAll(/\bdocs\/([\w-]+)\.md\b/g, '[$1](/$1.md)')
  );
}
