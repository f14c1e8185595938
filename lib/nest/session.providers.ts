import { Inject, Logger, Optional, type InjectionToken, type OptionalFactoryDependency } from '@nestjs/common';
import { ModulesContainer, type ModuleRef } from '@nestjs/core';
import { Injector, type Module } from '@nestjs/core/internal';
import { quiet, stackOf } from '../common/logger.js';
import { check } from '../common/options.js';
import type { ProviderOf, SessionOptions } from './options/session-options.js';
import { FileSessionManager } from '../session/stores/file/file-session-manager.js';
import { SessionService, type SessionLimits } from '../session/session-service.js';
import { RandomSessionKeyGenerator, SessionKeyGenerator } from '../session/session-key-generator.js';
import { SessionManager } from '../session/session-manager.js';
import type { SessionMember } from '../session/session-member.js';
import { ClusterSessionRegistry } from '../session/cluster-session-registry.js';
import type { SessionMembership } from '../session/session-membership.js';
import { LocalSessionRegistry } from '../session/session-registry.js';

/** Injection token of the `SessionService` of an application; `null` where sessions are switched off. */
export const SESSION_SERVICE = Symbol('SESSION_HUB');

/** The default of `sessions.managerTimeout`, in milliseconds. */
const DEFAULT_MANAGER_TIMEOUT = 10_000;

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
 * Makes the session manager: as the options say, else the provider that some module of the application has for the token,
 * else files.
 *
 * @throws InvalidOptionError if the options give no session manager.
 */
export async function provideSessionManager(
  sessions: SessionOptions | false,
  moduleRef: ModuleRef,
): Promise<SessionManager | null> {
  if (sessions === false) return null;
  const { manager, directory, maxAge } = sessions;
  return (await provide(MANAGER, manager, moduleRef)) ?? new FileSessionManager({ directory, maxAge });
}

/** Makes the key generator, in the same way; random keys are the default. */
export async function provideKeyGenerator(
  sessions: SessionOptions | false,
  moduleRef: ModuleRef,
): Promise<SessionKeyGenerator | null> {
  if (sessions === false) return null;
  return (await provide(KEY_GENERATOR, sessions.keyGenerator, moduleRef)) ?? new RandomSessionKeyGenerator();
}

/**
 * The session service of an application, `null` where sessions are off.
 * @param membership That of the cluster, if there is one.
 */
export function createSessionService(
  manager: SessionManager | null,
  keyGenerator: SessionKeyGenerator | null,
  { maxConnections = Infinity, managerTimeout = DEFAULT_MANAGER_TIMEOUT }: Partial<SessionLimits> = {},
  membership?: SessionMembership,
): SessionService | null {
  if (!manager || !keyGenerator) return null;
  const logger = quiet(new Logger('Webwire'));
  const report = (what: string, error: unknown, key: string) => logger.error(`${what} failed`, withoutKey(error, key));
  const registry = membership
    ? new ClusterSessionRegistry<SessionMember>(membership)
    : new LocalSessionRegistry<SessionMember>();
  manager.useLogger?.(logger);
  return new SessionService(manager, keyGenerator, registry, { maxConnections, managerTimeout }, report);
}

/**
 * Makes the session service without DI, for an adapter that is used without the module.
 * @throws InvalidOptionError if the options give anything but instances.
 */
export function sessionHubWithoutModule(sessions: SessionOptions | false): SessionService | null {
  if (sessions === false) return null;
  const { manager, keyGenerator, directory, maxAge } = sessions;
  return createSessionService(
    instanceOf(MANAGER, manager) ?? new FileSessionManager({ directory, maxAge }),
    instanceOf(KEY_GENERATOR, keyGenerator) ?? new RandomSessionKeyGenerator(),
    sessions,
  );
}

/** Shorter keys are no secrets, but parts of ordinary words; and what a client sent must not make a log line long. */
const SHORTEST_SECRET = 8;
const LONGEST_DESCRIPTION = 4_000;

function withoutKey(error: unknown, key: string): string {
  const text = error instanceof Error ? stackOf(error) : `thrown: ${typeof error}`;
  const safe = key.length < SHORTEST_SECRET ? text : text.replaceAll(key, '[session key]');
  return safe.slice(0, LONGEST_DESCRIPTION);
}

async function provide<T extends object>(
  kind: Kind<T>,
  provided: ProviderOf<T> | undefined,
  moduleRef: ModuleRef,
): Promise<T | undefined> {
  const isFound = provided === undefined;
  const instance = await orExplain(kind, isFound ? findProvider(kind.token, moduleRef) : make(provided, moduleRef));
  if (instance === undefined && isFound) return undefined;
  // What another module owns has its life-cycle hooks called there.
  if (isFound || 'useExisting' in provided) markAsAlias(kind.token, moduleRef);
  return checkInstance(kind, instance);
}

/**
 * Nest does not see that what it makes here waits for itself. Then nothing is left to do, and the process would end
 * without a word.
 */
async function orExplain(
  { option, token }: { option: string; token: { name: string } },
  making: Promise<unknown>,
): Promise<unknown> {
  const explain = () => {
    new Logger('Webwire').error(
      `${option} is never made: it depends on what injects ${token.name}, which waits for it`,
    );
    process.exitCode = 1;
  };
  process.once('beforeExit', explain);
  try {
    return await making;
  } finally {
    process.off('beforeExit', explain);
  }
}

async function make<T extends object>(provided: ProviderOf<T>, moduleRef: ModuleRef): Promise<unknown> {
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

/**
 * The provider that a module other than ours has for a token, whether or not it exports it.
 * @throws InvalidOptionError for one that is not a single instance.
 */
async function findProvider(token: InjectionToken, moduleRef: ModuleRef): Promise<unknown> {
  for (const module of modulesOf(moduleRef)) {
    const wrapper = module.providers.get(token);
    if (!wrapper || isOurs(module)) continue;
    check(`provider of ${wrapper.name} in ${module.name}`, wrapper.scope, {
      allowed: 'of the default scope, as it serves all connections',
      accepts: () => wrapper.isDependencyTreeStatic() && !wrapper.isTransient,
    });
    await new Injector().loadProvider(wrapper, module);
    return wrapper.instance;
  }
  return undefined;
}

/** Nest calls the life-cycle hooks of an instance for each provider that is no alias. */
function markAsAlias(token: InjectionToken, moduleRef: ModuleRef): void {
  const ours = [...modulesOf(moduleRef)].find(isOurs);
  Object.assign(ours!.providers.get(token)!, { isAlias: true });
}

/**
 * Global modules are initialised before all others and destroyed after them. A session manager needs what it is injected,
 * so its module takes its place just before the root module, which is at distance 1.
 */
export function moveBeforeRoot(moduleRef: ModuleRef): void {
  const ours = [...modulesOf(moduleRef)].find(isOurs);
  if (ours) ours.distance = 1.5;
}

function modulesOf(moduleRef: ModuleRef): Iterable<Module> {
  return moduleRef.get(ModulesContainer, { strict: false }).values();
}

function isOurs({ providers }: Module): boolean {
  return providers.has(SESSION_SERVICE);
}

function instanceOf<T extends object>(kind: Kind<T>, provided: ProviderOf<T> | undefined): T | undefined {
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
