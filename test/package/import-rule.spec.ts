import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  findFileCycles,
  findFolderCycles,
  findNestInternals,
  findOutsideImports,
  findViolations,
  reachableFrom,
  type ImportRules,
  type Sources,
} from './import-rule.js';

const LIB = new URL('../../lib/', import.meta.url);

/** Inner folders import neither outer ones nor their frameworks. */
const RULES: ImportRules = {
  common: { folders: ['protocol'], packages: [], node: true },
  protocol: { folders: [], packages: [], node: false },
  contract: { folders: ['protocol'], packages: [], node: false },
  client: { folders: ['contract', 'protocol'], packages: [], node: false },
  react: { folders: ['client'], packages: ['react'], node: false },
  session: { folders: ['common', 'protocol'], packages: [], node: true },
  server: { folders: ['session', 'common', 'contract', 'protocol'], packages: ['proxy-addr'], node: true },
  transport: { folders: ['server', 'common', 'protocol'], packages: [], node: true },
  nest: {
    folders: ['transport', 'server', 'session', 'common', 'contract', 'protocol'],
    packages: ['@nestjs', 'rxjs'],
    node: true,
  },
  document: {
    folders: ['nest', 'common', 'contract', 'protocol'],
    packages: ['@nestjs', '@valibot/to-json-schema'],
    node: true,
  },
  cli: { folders: [], packages: [], node: true },
  redis: { folders: ['server', 'session', 'common', 'contract', 'protocol'], packages: ['ioredis'], node: true },
  opentelemetry: {
    folders: ['.', 'client'],
    packages: ['@opentelemetry/api', '@opentelemetry/instrumentation'],
    node: true,
  },
  terminus: { folders: ['.'], packages: ['@nestjs'], node: false },
  bun: { folders: ['transport', 'server', 'common', 'protocol'], packages: [], node: true },
  '.': { folders: ['nest', 'transport', 'server', 'session', 'common', 'protocol'], packages: [], node: false },
  'client-module': { folders: ['client'], packages: ['@nestjs', 'ws'], node: false },
  testing: { folders: ['.', 'client', 'protocol'], packages: ['@nestjs'], node: false },
};

/** The only file that may import non-public parts of Nest. */
const NEST_INTERNALS = 'nest/internals/nest-internals.ts';

function readLib(): Sources {
  const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Map(
    files.map((file) => [file.replaceAll('\\', '/'), readFileSync(new URL(file.replaceAll('\\', '/'), LIB), 'utf8')]),
  );
}

/** Invented sources. */
function sourcesOf(files: Record<string, string>): Sources {
  return new Map(Object.entries(files));
}

function violationsOf(file: string, text: string): string[] {
  return findViolations(sourcesOf({ [file]: text }), RULES);
}

function isIn(folder: string): (file: string) => boolean {
  return (file) => file.startsWith(`${folder}/`);
}

describe('the sources', () => {
  const lib = readLib();

  it('are found', () => {
    expect([...lib.keys()]).toEqual(expect.arrayContaining(['index.ts', 'protocol/decode.ts', 'server/connection.ts']));
  });

  it('import only what the rules of their folders allow', () => {
    expect(findViolations(lib, RULES)).toEqual([]);
  });

  it('have no folders that import each other in a circle', () => {
    expect(findFolderCycles(lib)).toEqual([]);
  });

  it('have no files that import each other in a circle, types included', () => {
    expect(findFileCycles(lib)).toEqual([]);
  });

  it('import the internals of Nest in one file only', () => {
    expect(lib.has(NEST_INTERNALS)).toBe(true);
    expect(findNestInternals(lib, NEST_INTERNALS)).toEqual([]);
  });

  it('keep the WebSocket framing free of WebWire', () => {
    expect([...lib.keys()]).toContain('transport/ws/framing/frame-reader.ts');
    expect(findOutsideImports(lib, 'transport/ws/framing')).toEqual([]);
  });

  it('load neither the client nor Redis with the main entry point', () => {
    const files = reachableFrom('index.ts', lib);
    expect(files).toContain('protocol/decode.ts');
    expect(files.filter(isIn('client'))).toEqual([]);
    expect(files.filter(isIn('redis'))).toEqual([]);
  });
});

describe('contracts', () => {
  it('load nothing but their own files: of the protocol, they have types only', () => {
    const loaded = [...readLib()]
      .filter(([file]) => file.startsWith('contract/'))
      .flatMap(([, text]) => [...text.matchAll(/^(?:import|export) (?!type\b).*? from '([^']+)';$/gms)])
      .map(([, specifier]) => specifier!);
    expect(loaded).not.toEqual([]);
    expect(loaded.filter((specifier) => !specifier.startsWith('./'))).toEqual([]);
  });
});

describe('the test kit', () => {
  it('stands on public entry points alone', () => {
    const specifiers = [...readLib()]
      .filter(([file]) => file.startsWith('testing/'))
      .flatMap(([, text]) => [...text.matchAll(/from '(\.\.\/[^']+)'/g)].map(([, specifier]) => specifier));
    expect(new Set(specifiers)).toEqual(new Set(['../client/index.js', '../index.js', '../protocol/index.js']));
  });
});

describe('the check of imports', () => {
  it.each([
    ['protocol/a.ts', "import { Buffer } from 'node:buffer';", 'node:buffer'],
    ['protocol/a.ts', "import { inspect } from 'util';", 'util'],
    ['protocol/a.ts', "import type { WebSocket } from 'ws';", 'ws'],
    ['protocol/a.ts', "export { Message } from '../server/message.js';", '../server/message.js'],
    ['protocol/a.ts', "export type { Message } from '../server/message.js';", '../server/message.js'],
    ['protocol/a.ts', "const later = await import('../index.js');", '../index.js'],
    ['protocol/a.ts', "type Options = import('../webwire-options.js').Options;", '../webwire-options.js'],
    ['protocol/a.ts', "import '../../test/hex.js';", '../../test/hex.js'],
    ['protocol/a.ts', '/// <reference types="node" />', 'node'],
    ['client/a.ts', "import { randomUUID } from 'node:crypto';", 'node:crypto'],
    ['client/a.ts', "import { Message } from '../server/message.js';", '../server/message.js'],
    ['session/a.ts', "import { Message } from '../server/message.js';", '../server/message.js'],
    ['server/a.ts', "import { Logger } from '@nestjs/common';", '@nestjs/common'],
    ['server/a.ts', "import 'reflect-metadata';", 'reflect-metadata'],
    ['server/a.ts', "import { frame } from '../transport/ws/frame.js';", '../transport/ws/frame.js'],
    ['redis/a.ts', "import { Injectable } from '@nestjs/common';", '@nestjs/common'],
    ['transport/ws/a.ts', "import { Subject } from 'rxjs';", 'rxjs'],
    ['transport/ws/a.ts', "import wsx from 'ws-extra';", 'ws-extra'],
    ['common/a.ts', "import { Session } from '../session/session.js';", '../session/session.js'],
    ['nest/handlers/a.ts', "import { RedisCluster } from '../../redis/index.js';", '../../redis/index.js'],
    ['a.ts', "import { createTestClient } from './testing/index.js';", './testing/index.js'],
  ])('finds in %s: %s', (file, text, specifier) => {
    expect(violationsOf(file, text)).toEqual([`${file} imports ${specifier}`]);
  });

  it.each([
    ['protocol/a.ts', "import { b } from './b.js'; export * from './nested/c.js';"],
    ['protocol/nested/a.ts', "import { b } from '../b.js';"],
    ['protocol/a.ts', "// import 'ws'\nconst text = \"import 'ws'\";"],
    ['session/a.ts', "import { readFile } from 'node:fs/promises'; import { Payload } from '../protocol/index.js';"],
    ['server/a.ts', "import type { Session } from '../session/session.js';"],
    ['client-module/a.ts', "import { WebSocket } from 'ws'; import { WebwireClient } from '../client/index.js';"],
    ['redis/a.ts', "import type { Cluster } from '../server/cluster.js'; await import('ioredis');"],
    ['nest/handlers/a.ts', "import { ModuleRef } from '@nestjs/core'; import { map } from 'rxjs/operators';"],
    ['nest/a.ts', "import { WsTransport } from '../transport/ws/ws-transport.js'; import '@nestjs/common';"],
    ['a.ts', "export { WsTransport } from './transport/ws/ws-transport.js';"],
  ])('finds nothing in %s: %s', (file, text) => {
    expect(violationsOf(file, text)).toEqual([]);
  });

  it('finds a folder without a rule', () => {
    expect(violationsOf('attic/a.ts', '')).toEqual(['attic/a.ts is in a folder without a rule']);
  });
});

describe('the check of a folder that stands alone', () => {
  it.each(["import { a } from '../a.js';", "import type { B } from '../../../protocol/b.js';", "import ws from 'ws';"])(
    'finds %s',
    (text) => {
      const specifier = text.split("'")[1];
      const sources = sourcesOf({ 'transport/ws/framing/c.ts': text });
      expect(findOutsideImports(sources, 'transport/ws/framing')).toEqual([
        `transport/ws/framing/c.ts imports ${specifier}`,
      ]);
    },
  );

  it('finds nothing in imports of its own files, of Node, and in other folders', () => {
    const sources = sourcesOf({
      'transport/ws/framing/a.ts': "import './b.js'; import { Buffer } from 'node:buffer';",
      'transport/ws/c.ts': "import './framing/a.js'; import ws from 'ws';",
    });
    expect(findOutsideImports(sources, 'transport/ws/framing')).toEqual([]);
  });
});

describe('the check for circles', () => {
  it('finds two folders that import each other through different files', () => {
    const sources = sourcesOf({
      'server/a.ts': "import type { C } from '../session/c.js';",
      'session/b.ts': "import { d } from '../server/d.js';",
      'session/c.ts': "import { e } from '../protocol/e.js';",
      'protocol/e.ts': '',
    });
    expect(findFolderCycles(sources)).toEqual(['server', 'session']);
  });

  it('finds a folder that imports from outside of the folders what imports it', () => {
    const sources = sourcesOf({
      'index.ts': "export { a } from './server/a.js';",
      'server/a.ts': "import type { Options } from '../options.js';",
    });
    expect(findFolderCycles(sources)).toEqual(['.', 'server']);
  });
});

describe('the check for circles of files', () => {
  it.each([
    [
      'two files',
      { 'server/a.ts': "import './b.js';", 'server/b.ts': "import './a.js';" },
      'server/a.ts ↔ server/b.ts',
    ],
    [
      'types',
      {
        'server/a.ts': "import type { B } from './ports/b.js';",
        'server/ports/b.ts': "import type { A } from '../a.js';",
      },
      'server/a.ts ↔ server/ports/b.ts',
    ],
    [
      'more files, and leaves out those that only lead into the circle or out of it',
      {
        'index.ts': "export * from './a.js';",
        'a.ts': "import './b.js';",
        'b.ts': "export { c } from './c.js';",
        'c.ts': "type A = import('./a.js').A; import './d.js';",
        'd.ts': '',
      },
      'a.ts ↔ b.ts ↔ c.ts',
    ],
    ['a file that imports itself', { 'a.ts': "import './a.js';" }, 'a.ts'],
  ])('finds %s', (_name, files, circle) => {
    expect(findFileCycles(sourcesOf(files))).toEqual([circle]);
  });

  it('finds nothing where two files import a third', () => {
    const sources = sourcesOf({ 'a.ts': "import './b.js'; import './c.js';", 'b.ts': "import './c.js';", 'c.ts': '' });
    expect(findFileCycles(sources)).toEqual([]);
  });
});

describe("the check for Nest's internals", () => {
  it.each([
    "import { Injector } from '@nestjs/core/internal';",
    "import type { Module } from '@nestjs/core/injector/module.js';",
    "export { GUARDS_METADATA } from '@nestjs/common/constants';",
    "type Host = import('@nestjs/core/helpers/execution-context-host.js').ExecutionContextHost;",
    "await import('@nestjs/websockets/internal');",
  ])('finds %s', (text) => {
    expect(findNestInternals(sourcesOf({ 'nest/internals/lifecycle.ts': text }), NEST_INTERNALS)).toHaveLength(1);
    expect(findNestInternals(sourcesOf({ 'client-module/a.ts': text }), NEST_INTERNALS)).toHaveLength(1);
    expect(findNestInternals(sourcesOf({ [NEST_INTERNALS]: text }), NEST_INTERNALS)).toEqual([]);
  });

  it('finds nothing in public imports', () => {
    const text = "import { Module } from '@nestjs/common'; import { ModuleRef } from '@nestjs/core';";
    expect(findNestInternals(sourcesOf({ 'nest/a.ts': text }), NEST_INTERNALS)).toEqual([]);
  });
});

describe('the search for reached files', () => {
  it('follows imports from file to file', () => {
    const sources = sourcesOf({
      'index.ts': "export { A } from './handlers/a.js';",
      'handlers/a.ts': "export type { Client } from '../client/index.js';",
      'client/index.ts': "import './index.js';",
      'redis/index.ts': '',
    });
    expect(reachableFrom('index.ts', sources)).toEqual(['client/index.ts', 'handlers/a.ts', 'index.ts']);
  });
});
