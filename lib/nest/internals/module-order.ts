import type { InjectionToken } from '@nestjs/common';
import { ModuleRef, type ModulesContainer } from '@nestjs/core';
import type { Module } from './nest-internals.js';

/** The root module of an application: the second one, after Nest's own `InternalCoreModule`. */
export function rootModuleOf(modules: ModulesContainer): Module {
  const [core, root = core] = modules.values();
  return root!;
}

/**
 * The `ModuleRef` of a module: resolves what the module itself can inject.
 *
 * Relies on: the provider of `ModuleRef` that Nest adds to each module, because `app.get(ModuleRef)` returns one of any.
 */
export function moduleRefOf({ providers }: Module): ModuleRef {
  return providers.get(ModuleRef)!.instance as ModuleRef;
}

/**
 * Moves a module in the order of life-cycle hooks just before the root module: it is initialised after all other modules,
 * and destroyed before them.
 *
 * Why: Nest initialises a global module before all others, but the node of a cluster and a session manager need modules that
 * are initialised. No public option sets the place of a global module.
 *
 * Relies on: `distance`, by which Nest sorts modules when it calls hooks; the root module has the smallest one.
 *
 * If Nest changes it: session managers are initialised before their dependencies, which fails
 * `test/nest/session-providers.spec.ts`.
 */
export function moveBeforeRoot(module: Module, modules: ModulesContainer): void {
  module.distance = rootModuleOf(modules).distance + 0.5;
}

/**
 * Lets Nest skip a provider when it calls life-cycle hooks, as it skips `useExisting` providers.
 *
 * Why: the provider returns an instance of another module, where Nest calls its hooks already. Only a factory can decide
 * this, because options may come from `forRootAsync()`, whereas Nest reads `useExisting` before it makes anything.
 *
 * Relies on: `InstanceWrapper.isAlias`, and `inject[0]`, which is the token that an alias stands for: `resolve()` follows it,
 * and ends at a token that leads to itself.
 *
 * If Nest changes it: hooks of such a session manager are called twice, which fails `test/nest/session-providers.spec.ts`.
 */
export function skipLifecycleHooks({ providers }: Module, token: InjectionToken): void {
  Object.assign(providers.get(token)!, { isAlias: true, inject: [token] });
}
