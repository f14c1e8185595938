/** A set of Nest's packages that belong together. */
export interface NestVersion {
  /** As in the names of rows. */
  readonly label: string;
  /** The range of npm for the packages of Nest that follow its version. */
  readonly range: string;
  /** Ranges of other packages of Nest, without `@nestjs/`. */
  readonly exceptions: Readonly<Record<string, string>>;
  /** Ranges of the other peer dependencies (default: those of the echo sample). */
  readonly peers?: Readonly<Record<string, string>>;
}

/** The lowest versions that the peer dependencies of this package and of Nest allow. */
const LOWEST_PEERS = { 'reflect-metadata': '0.1.12', rxjs: '7.1.0' };

/** The lowest supported and the newest version of each major version of Nest. */
export const NEST_VERSIONS = {
  '11-lowest': {
    label: '11-lowest',
    range: '11.0.8',
    exceptions: { config: '4.0.0', cqrs: '11.0.0', swagger: '11.3.0', terminus: '11.0.0' },
    peers: LOWEST_PEERS,
  },
  '11-newest': {
    label: '11-newest',
    range: '^11.0.8',
    exceptions: { config: '^4.0.0', cqrs: '^11.0.0', swagger: '^11.3.0', terminus: '^11.0.0' },
  },
  // npm refuses 12.0.0: some of its packages have peer dependencies on Nest 11.
  '12-lowest': {
    label: '12-lowest',
    range: '12.0.1',
    exceptions: { cqrs: '12.0.0', terminus: '12.0.0' },
    peers: LOWEST_PEERS,
  },
  '12-newest': { label: '12-newest', range: '^12.0.0', exceptions: {} },
} satisfies Record<string, NestVersion>;

/** Packages of Nest that support all these versions with one of their own. */
export const INDEPENDENT_PACKAGES: ReadonlySet<string> = new Set(
  ['cache-manager', 'event-emitter', 'jwt', 'observe', 'passport', 'schedule', 'throttler'].map(
    (name) => `@nestjs/${name}`,
  ),
);

/** Dependencies for a manifest: packages of Nest, by their names without `@nestjs/`. */
export function nestPackages({ range, exceptions }: NestVersion, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`@nestjs/${name}`, exceptions[name] ?? range]));
}
