import { createRequire } from 'node:module';
import type * as React from 'react';
import type * as ReactDomClient from 'react-dom/client';
import type * as ReactDomServer from 'react-dom/server';
import { vi } from 'vitest';

/** One version of React, the hooks that use it, and the client that these use. */
export interface Loaded {
  readonly react: typeof React;
  readonly dom: typeof ReactDomClient;
  readonly server: typeof ReactDomServer;
  readonly hooks: typeof import('nestjs-webwire/react');
  readonly client: typeof import('nestjs-webwire/client');
}

const REQUIRE = {
  18: createRequire(new URL('./react-18/package.json', import.meta.url)),
  19: createRequire(import.meta.url),
};

export type Version = keyof typeof REQUIRE;

/** Loads the hooks with a version of React. There must be a `document` already. */
export async function load(version: Version): Promise<Loaded> {
  const require = REQUIRE[version];
  const react = require('react') as typeof React;
  vi.resetModules();
  vi.doMock('react', () => ({ ...react, default: react }));
  return {
    react,
    dom: require('react-dom/client') as typeof ReactDomClient,
    server: require('react-dom/server') as typeof ReactDomServer,
    hooks: await import('nestjs-webwire/react'),
    client: await import('nestjs-webwire/client'),
  };
}
