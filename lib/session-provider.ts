import { Inject, Logger, Optional, type InjectionToken, type OptionalFactoryDependency } from '@nestjs/common';
import { ModulesContainer, type ModuleRef } from '@nestjs/core';
import { Injector } from '@nestjs/core/internal';
import { quiet, stackOf } from './server/logger.js';
import { check } from './server/option-rules.js';
import type { Provided, SessionOptions } from './session-options.js';
import { FileSessionManager } from './session/file-session-manager.js';
import { SessionHub } from './session/session-hub.js';
import { RandomSessionKeyGenerator, SessionKeyGenerator } from './session/session-key-generator.js';
import { SessionManager } from './session/session-manager.js';
import { LocalSessionRegistry } from './session/session-registry.js';

/** Injection token of the `SessionHub` of an application; `null` where sessions are switched off. */
export const SESSION_HUB = Symbol('SESSION_HUB');

/** A class whose instances are looked for, and the methods that make one. */
interface Kind<T> {
  readonly option: string;
  readonly token: abstract new () => T;
  readonly methods: readonly (keyof T & string)[];
}

const MANAGER: Kind<SessionManager> = {
  option: 'sessions.manager',
  token: SessionManager,
  methods: ['onSessionCreated', 'onSessionLookup', 'onSessionClosed'],
};

const KEY_GENERATOR: Kind<SessionKeyGenerator> = {
  option: 'sessions.keyGenerator',
  token: SessionKeyGenerator,
  methods: ['generate'],
};

/**
 * Makes the hub, and what it is made of through DI: as the options say, else by a provider that some module of the
 * application has for the token, else the default.
 *
 * @throws InvalidOptionError if what the options give is no session manager or key generator.
 */
export async function provideSessionHub(
  sessions: SessionOptions | false,
  moduleRef: ModuleRef,
): Promise<SessionHub | null> {
  if (sessions === false) return null;
  const { manager, keyGenerator, directory, maxAge, maxConnections } = sessions;
  return createSessionHub(
    (await provide(MANAGER, manager, moduleRef)) ?? new FileSessionManager({ directory, maxAge }),
    (await provide(KEY_GENERATOR, keyGenerator, moduleRef)) ?? new RandomSessionKeyGenerator(),
    maxConnections,
  );
}

/**
 * Makes the hub without DI, for an adapter that is used without the module.
 * @throws InvalidOptionError if the options give anything but instances.
 */
export function sessionHubWithoutModule(sessions: SessionOptions | false): SessionHub | null {
  if (sessions === false) return null;
  const { manager, keyGenerator, directory, maxAge, maxConnections } = sessions;
  return createSessionHub(
    instanceOf(MANAGER, manager) ?? new FileSessionManager({ directory, maxAge }),
    instanceOf(KEY_GENERATOR, keyGenerator) ?? new RandomSessionKeyGenerator(),
    maxConnections,
  );
}

function createSessionHub(manager: SessionManager, keys: SessionKeyGenerator, maxConnections = Infinity): SessionHub {
  const logger = quiet(new Logger('Webwire'));
  const report = (what: string, error: unknown, key: string) =>
    logger.error(`${what} failed`, stackOf(error).replaceAll(key, '[session key]'));
  return new SessionHub(manager, keys, new LocalSessionRegistry(), maxConnections, report);
}

async function provide<T extends object>(
  kind: Kind<T>,
  provided: Provided<T> | undefined,
  moduleRef: ModuleRef,
): Promise<T | undefined> {
  const instance = provided === undefined ? await findProvider(kind.token, moduleRef) : await make(provided, moduleRef);
  return instance === undefined ? undefined : checkInstance(kind, instance);
}

async function make<T extends object>(provided: Provided<T>, moduleRef: ModuleRef): Promise<unknown> {
  if (typeof provided === 'function') return moduleRef.create(provided);
  if ('useClass' in provided) return moduleRef.create(provided.useClass);
  if ('useExisting' in provided) return (await inject([provided.useExisting], moduleRef))[0];
  if ('useFactory' in provided) return provided.useFactory(...(await inject(provided.inject ?? [], moduleRef)));
  return provided;
}

/** Resolves tokens as the constructor parameters they would be in the module: loaded, wherever they come from. */
async function inject(
  tokens: readonly (InjectionToken | OptionalFactoryDependency)[],
  moduleRef: ModuleRef,
): Promise<unknown[]> {
  class Dependencies {
    readonly values: unknown[];
    constructor(...values: unknown[]) {
      this.values = values;
    }
  }
  for (const [index, given] of tokens.entries()) {
    const { token, optional } =
      typeof given === 'object' && 'token' in given ? given : { token: given, optional: false };
    Inject(token)(Dependencies, undefined, index);
    if (optional) Optional()(Dependencies, undefined, index);
  }
  const paramtypes = tokens.map(() => Object);
  Reflect.defineMetadata('design:paramtypes', paramtypes, Dependencies);
  return (await moduleRef.create(Dependencies)).values;
}

/** The provider that a module other than ours has for a token, whether or not it exports it. */
async function findProvider(token: InjectionToken, moduleRef: ModuleRef): Promise<unknown> {
  for (const module of moduleRef.get(ModulesContainer, { strict: false }).values()) {
    const wrapper = module.providers.get(token);
    if (!wrapper || module.providers.has(SESSION_HUB)) continue;
    await new Injector().loadProvider(wrapper, module);
    return wrapper.instance;
  }
  return undefined;
}

function instanceOf<T extends object>(kind: Kind<T>, provided: Provided<T> | undefined): T | undefined {
  return provided === undefined ? undefined : checkInstance(kind, provided);
}

function checkInstance<T extends object>({ option, token, methods }: Kind<T>, instance: unknown): T {
  check(option, instance, {
    allowed: `a ${token.name}, with the methods ${methods.join(', ')} (without WebwireModule: an instance of it)`,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
  });
  return instance as T;
}
