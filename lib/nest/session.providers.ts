import { Inject, Logger, Optional, type InjectionToken, type OptionalFactoryDependency } from '@nestjs/common';
import { ModulesContainer, type ModuleRef } from '@nestjs/core';
import { quiet, stackOf } from '../common/logger.js';
import { check } from '../common/options.js';
import { moduleRefOf, moveBeforeRoot, skipLifecycleHooks } from './internals/module-order.js';
import type { Module } from './internals/nest-internals.js';
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
export const SESSION_SERVICE = Symbol('SESSION_SERVICE');

/** Default of `sessions.managerTimeout`, in milliseconds. */
const DEFAULT_MANAGER_TIMEOUT = 10_000;

/** A part of sessions that applications can provide. */
interface SessionPart<T> {
  readonly option: string;
  readonly token: abstract new () => T;
  /** An object with these methods is accepted as an instance. */
  readonly methods: readonly (keyof T & string)[];
}

const MANAGER: SessionPart<SessionManager> = {
  option: 'sessions.manager',
  token: SessionManager,
  methods: ['onSessionCreated', 'onSessionLookup', 'onSessionClosed'],
};

const KEY_GENERATOR: SessionPart<SessionKeyGenerator> = {
  option: 'sessions.keyGenerator',
  token: SessionKeyGenerator,
  methods: ['generate'],
};

/**
 * Makes the session manager: from the options, else from a provider of `SessionManager` in any module of the application,
 * else a `FileSessionManager`.
 *
 * @throws InvalidOptionError if the result is no session manager.
 */
export async function provideSessionManager(
  sessions: SessionOptions | false,
  moduleRef: ModuleRef,
): Promise<SessionManager | null> {
  if (sessions === false) return null;
  const { manager, directory, maxAge } = sessions;
  return (await provide(MANAGER, manager, moduleRef)) ?? new FileSessionManager({ directory, maxAge });
}

/** Makes the key generator in the same way; the default is a `RandomSessionKeyGenerator`. */
export async function provideKeyGenerator(
  sessions: SessionOptions | false,
  moduleRef: ModuleRef,
): Promise<SessionKeyGenerator | null> {
  if (sessions === false) return null;
  return (await provide(KEY_GENERATOR, sessions.keyGenerator, moduleRef)) ?? new RandomSessionKeyGenerator();
}

/**
 * Makes the session service of an application; `null` if sessions are off.
 * @param membership The membership of the cluster, if the application is in one.
 */
export function createSessionService(
  manager: SessionManager | null,
  keyGenerator: SessionKeyGenerator | null,
  { maxConnections = Infinity, managerTimeout = DEFAULT_MANAGER_TIMEOUT }: Partial<SessionLimits> = {},
  membership?: SessionMembership,
): SessionService | null {
  if (!manager || !keyGenerator) return null;
  const logger = quiet(new Logger('Webwire'));
  const report = (operation: string, error: unknown, key: string) =>
    logger.error(`${operation} failed`, withoutKey(error, key));
  const registry = membership
    ? new ClusterSessionRegistry<SessionMember>(membership, { timeout: managerTimeout, report })
    : new LocalSessionRegistry<SessionMember>();
  manager.useLogger?.(logger);
  return new SessionService(manager, keyGenerator, registry, { maxConnections, managerTimeout }, report);
}

/**
 * Makes the session service without dependency injection, for an adapter that is used without the module.
 * @throws InvalidOptionError if the options give anything but instances.
 */
export function createSessionServiceWithoutModule(sessions: SessionOptions | false): SessionService | null {
  if (sessions === false) return null;
  const { manager, keyGenerator, directory, maxAge } = sessions;
  return createSessionService(
    instanceOf(MANAGER, manager) ?? new FileSessionManager({ directory, maxAge }),
    instanceOf(KEY_GENERATOR, keyGenerator) ?? new RandomSessionKeyGenerator(),
    sessions,
  );
}

/** Shorter keys are not replaced in logs: they are no secrets, and may be parts of ordinary words. */
const SHORTEST_SECRET = 8;

/** Longest description of an error in the log, in characters: it may quote a client. */
const LONGEST_DESCRIPTION = 4_000;

function withoutKey(error: unknown, key: string): string {
  const text = error instanceof Error ? stackOf(error) : `thrown: ${typeof error}`;
  const safe = key.length < SHORTEST_SECRET ? text : text.replaceAll(key, '[session key]');
  return safe.slice(0, LONGEST_DESCRIPTION);
}

async function provide<T extends object>(
  part: SessionPart<T>,
  provided: ProviderOf<T> | undefined,
  moduleRef: ModuleRef,
): Promise<T | undefined> {
  const isFound = provided === undefined;
  const making = isFound ? findProvider(part.token, moduleRef) : make(provided, moduleRef);
  const instance = await explainingDeadlock(part, making);
  if (instance === undefined && isFound) return undefined;
  // Nest calls the hooks of an instance in the module that owns it.
  if (isFound || 'useExisting' in provided) skipLifecycleHooks(webwireModuleOf(moduleRef), part.token);
  return checkInstance(part, instance);
}

/**
 * Logs an error if an instance waits for itself. Nest does not detect the circle; then nothing is left to do, and the process
 * would end without a message.
 */
async function explainingDeadlock(
  { option, token }: { option: string; token: { name: string } },
  making: Promise<unknown>,
): Promise<unknown> {
  const explain = () => {
    new Logger('Webwire').error(
      `Circular dependency: the provider of ${option} depends on a provider that injects ${token.name}`,
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

/** Resolves tokens as constructor parameters in the module of `moduleRef`: Nest makes their providers first, if necessary. */
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
 * The instance of a token in any module but `WebwireModule`, exported or not; `undefined` if no module provides it.
 * @throws InvalidOptionError if it is request-scoped or transient.
 */
async function findProvider(token: InjectionToken, moduleRef: ModuleRef): Promise<unknown> {
  for (const module of modulesOf(moduleRef)) {
    const wrapper = module.providers.get(token);
    if (!wrapper || isWebwireModule(module)) continue;
    check(`provider of ${wrapper.name} in ${module.name}`, wrapper.scope, {
      allowed: 'of the default scope, as it serves all connections',
      accepts: () => wrapper.isDependencyTreeStatic() && !wrapper.isTransient,
    });
    return (await inject([token], moduleRefOf(module)))[0];
  }
  return undefined;
}

/** Lets Nest initialise `WebwireModule` after the modules that a session manager or the cluster needs. */
export function initializeAfterOtherModules(moduleRef: ModuleRef): void {
  moveBeforeRoot(webwireModuleOf(moduleRef), moduleRef.get(ModulesContainer, { strict: false }));
}

function webwireModuleOf(moduleRef: ModuleRef): Module {
  return [...modulesOf(moduleRef)].find(isWebwireModule)!;
}

function modulesOf(moduleRef: ModuleRef): Iterable<Module> {
  return moduleRef.get(ModulesContainer, { strict: false }).values();
}

function isWebwireModule({ providers }: Module): boolean {
  return providers.has(SESSION_SERVICE);
}

function instanceOf<T extends object>(part: SessionPart<T>, provided: ProviderOf<T> | undefined): T | undefined {
  return provided === undefined ? undefined : checkInstance(part, provided);
}

function checkInstance<T extends object>({ option, token, methods }: SessionPart<T>, instance: unknown): T {
  check(option, instance, {
    allowed: `a ${token.name}, with the methods ${methods.join(', ')} (without WebwireModule: an instance of it)`,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
  });
  return instance as T;
}
