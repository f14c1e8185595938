import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { assertNestParts, SUPPORTED_NEST_VERSIONS } from '../../../lib/nest/internals/assert-nest-parts.js';

afterEach(() => {
  vi.doUnmock('@nestjs/core/helpers/execution-context-host.js');
  vi.doUnmock('@nestjs/core/injector/module.js');
  vi.resetModules();
});

it('the supported versions of Nest are those of the peer dependencies', () => {
  const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    peerDependencies: Record<string, string>;
  };
  for (const name of ['@nestjs/common', '@nestjs/core', '@nestjs/websockets']) {
    expect(peerDependencies[name]).toBe(SUPPORTED_NEST_VERSIONS);
  }
});

describe('a version of Nest that lacks a part', () => {
  it('is reported with the missing parts, the supported versions and the installed ones', () => {
    const parts = { present: 0, 'Module.addInjectable()': undefined, MESSAGES: undefined };
    expect(() => assertNestParts(parts, (name) => (name === '@nestjs/core' ? '13.0.0' : '12.0.0'))).toThrow(
      `nestjs-webwire supports NestJS ${SUPPORTED_NEST_VERSIONS}, but the installed packages ` +
        '(@nestjs/common 12.0.0, @nestjs/core 13.0.0, @nestjs/websockets 12.0.0) lack Module.addInjectable(), MESSAGES: ' +
        'install supported versions of all three',
    );
  });

  it('is reported with the versions that are installed', () => {
    expect(() => assertNestParts({ part: undefined })).toThrow(/@nestjs\/core \d+\.\d+\.\d+,/);
  });

  it('is reported when the package is imported, for a missing export', async () => {
    vi.doMock('@nestjs/core/helpers/execution-context-host.js', () => ({ ExecutionContextHost: undefined }));
    await expect(import('../../../lib/nest/internals/nest-internals.js')).rejects.toThrow(
      'lack ExecutionContextHost.getArgs(), ExecutionContextHost.setType(), ExecutionContextHost.switchToHttp(): install',
    );
  });

  it('is reported when the package is imported, for a missing method', async () => {
    class Module {
      addProvider() {}
      addExportedProviderOrModule() {}
      getNonAliasProviders() {}
    }
    vi.doMock('@nestjs/core/injector/module.js', () => ({ Module }));
    await expect(import('../../../lib/index.js')).rejects.toThrow('lack Module.addInjectable(): install');
  });
});

it('a complete version of Nest passes', () => {
  expect(() => assertNestParts({ zero: 0, empty: '', nothing: null })).not.toThrow();
});
