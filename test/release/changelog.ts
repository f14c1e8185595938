/** Sections of a release in the changelog, in this order, as in Keep a Changelog. */
const SECTIONS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'] as const;

export type Section = (typeof SECTIONS)[number];

/** Markdown lists by section. */
export type Entries = ReadonlyMap<Section, string>;

/** A part of a version number. */
export type Part = 'major' | 'minor' | 'patch';

export interface Release {
  readonly version: string;
  /** Such as `2026-11-26`. */
  readonly date: string;
}

const RELEASE_HEADING = /^## \[([^\]]+)\] - (\d{4}-\d{2}-\d{2})$/m;

/**
 * Reads the file of a change.
 *
 * @throws Error that names the file and the line which is not as it should be.
 */
export function readEntries(text: string, file: string): Entries {
  const lists = new Map<Section, string>();
  let section: Section | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) {
      section = sectionOf(line);
      if (!section)
        throw new Error(`${file}: "${line}" must be one of ${SECTIONS.map((name) => `"### ${name}"`).join(', ')}`);
      if (lists.has(section)) throw new Error(`${file}: "${line}" occurs twice`);
      lists.set(section, '');
    } else if (section) {
      lists.set(section, `${lists.get(section)}${line}\n`);
    } else if (line.trim() !== '') {
      throw new Error(`${file}: "${line}" must be below a heading such as "### Fixed"`);
    }
  }
  if (lists.size === 0) throw new Error(`${file}: there is no heading such as "### Fixed"`);
  for (const [name, list] of lists) {
    if (!/^\s*- \S/.test(list)) throw new Error(`${file}: "### ${name}" must be followed by a list`);
    lists.set(name, list.trim());
  }
  return lists;
}

/** Joins the entries of several changes, section by section. */
export function mergeEntries(changes: readonly Entries[]): Entries {
  const merged = new Map<Section, string>();
  for (const section of SECTIONS) {
    const lists = changes.flatMap((change) => change.get(section) ?? []);
    if (lists.length > 0) merged.set(section, lists.join('\n'));
  }
  return merged;
}

/** Returns the smallest part of a version that changes with these entries, by the rules in `.changes/README.md`. */
export function requiredPart(entries: Entries, current: string): Part {
  const isStable = !current.startsWith('0.');
  const isBreaking = entries.has('Removed') || [...entries.values()].some((list) => list.includes('- **Breaking:**'));
  if (isStable && isBreaking) return 'major';
  const isMinor = isBreaking || (['Added', 'Changed', 'Deprecated'] as const).some((section) => entries.has(section));
  return isMinor ? 'minor' : 'patch';
}

/**
 * Returns the part in which a version is greater than the current one.
 *
 * @throws Error if it is not greater, or no version.
 */
export function changedPart(current: string, next: string): Part {
  const [from, to] = [numbersOf(current), numbersOf(next)];
  const index = to.findIndex((number, i) => number !== from[i]);
  if (index < 0 || to[index]! < from[index]!) throw new Error(`${next} is not a greater version than ${current}`);
  return (['major', 'minor', 'patch'] as const)[index]!;
}

/** Returns the changelog with a new release on top. */
export function insertRelease(changelog: string, { version, date }: Release, entries: Entries): string {
  const sections = [...entries].map(([section, list]) => `### ${section}\n\n${list}\n\n`);
  const release = `## [${version}] - ${date}\n\n${sections.join('')}`;
  const index = changelog.search(/^## /m);
  return index < 0
    ? `${changelog.trimEnd()}\n\n${release.trimEnd()}\n`
    : changelog.slice(0, index) + release + changelog.slice(index);
}

/** Returns the newest release of a changelog: its first. */
export function newestRelease(changelog: string): Release | undefined {
  const [, version, date] = RELEASE_HEADING.exec(changelog) ?? [];
  return version !== undefined && date !== undefined ? { version, date } : undefined;
}

function sectionOf(heading: string): Section | undefined {
  return SECTIONS.find((section) => heading === `### ${section}`);
}

function numbersOf(version: string): number[] {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`"${version}" is not a version such as 1.2.3`);
  return version.split('.').map(Number);
}
