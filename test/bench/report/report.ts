import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import type { Table } from '../cell.js';
import { BUN } from '../contenders.js';
import type { CodecFigures } from '../parts/codec.js';
import type { IdleFigures } from '../parts/memory.js';
import type { StalledFigures } from '../parts/stalled-streams.js';

/** The results of a run. */
export interface Report {
  /** Start of the run, in UTC. */
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  /** True if server and load generator were pinned to different cores. */
  readonly isPinned: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly tables: Readonly<Record<string, readonly Table[]>>;
  readonly idle?: { readonly connections: number; readonly figures: readonly IdleFigures[] };
  /** Memory of streams whose clients do not take their items. */
  readonly stalled?: readonly StalledFigures[];
  readonly codec?: readonly CodecFigures[];
}

export function describeMachine(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} cores, ${process.platform} ${process.arch}`;
}

/** Root of the project, relative to the compiled benchmark. */
const PROJECT = new URL('../../', import.meta.url);

/** Versions of the measured programs and packages, by name. */
export function readVersions(): Record<string, string> {
  const packages = ['ws', '@nestjs/core', '@nestjs/platform-ws', '@nestjs/platform-socket.io'];
  const [bun] = BUN;
  return {
    node: process.versions.node,
    'nestjs-webwire': readVersion('package.json'),
    ...Object.fromEntries(packages.map((name) => [name, readVersion(`node_modules/${name}/package.json`)])),
    ...(bun && { bun: spawnSync(bun.runtime!, ['--version']).stdout.toString().trim() }),
  };
}

function readVersion(file: string): string {
  return (JSON.parse(readFileSync(new URL(file, PROJECT), 'utf8')) as { version: string }).version;
}
