import type { CanActivate, Type } from '@nestjs/common';
import type { InstanceWrapper, Module } from './nest-internals.js';

/** A guard, or the class of one. */
export type HandshakeGuard = Type<CanActivate> | CanActivate;

/** Callback of Nest's scanner for each guard. It registers a guard class, and returns the wrapper of it. */
type Register = (guard: unknown) => InstanceWrapper | undefined;

/** Registered in place of the first guard, to find the module that Nest's scanner is at. */
class HandshakeGuards {}

/**
 * A list of guards for the metadata of a method. Nest's scanner finds it and registers the guards with the module, so that
 * Nest makes, overrides and destroys them as any guard.
 *
 * Why: the scanner also makes the gateway depend on the guards of its methods, as Nest's own guards may be needed for each
 * message. A request-scoped handshake guard would make its gateway request-scoped, and Nest would make the guard again for
 * each message, with a connection as its request. Guards that are ordinary providers, or made with `ModuleRef.create()`,
 * would need no list, but `overrideGuard()` of `@nestjs/testing` and life-cycle hooks would not reach them.
 *
 * Relies on: the scanner calls `forEach` of the list. The overridden `forEach` adds guard classes to the module with
 * `Module.addInjectable()`, which returns the wrapper of the guard, and leaves transient ones to the scanner, which makes the
 * gateway depend on them, so that Nest makes one for each gateway. `detachHandshakeGuards()` undoes that for those that cannot be
 * made at start.
 *
 * If Nest changes it: a scanner that does not call `forEach` finds an ordinary list. All guards still run, but request-scoped
 * ones make their gateway request-scoped, which fails `test/nest/handlers/handshake-guards.spec.ts`.
 */
export function listHandshakeGuards(guards: readonly HandshakeGuard[]): HandshakeGuard[] {
  const list = [...guards];
  const forEach = (register: Register): void => {
    let module: Module | undefined;
    for (const guard of list) {
      module ??= typeof guard === 'function' ? register(HandshakeGuards)?.host : undefined;
      const added = typeof guard === 'function' ? module?.addInjectable(guard, 'guard') : undefined;
      if (!added || (added as InstanceWrapper).isTransient) register(guard);
    }
  };
  return Object.defineProperty(list, 'forEach', { value: forEach });
}

/**
 * Makes a gateway independent of its transient handshake guards that depend on anything request-scoped: they are made for each
 * upgrade. Call it once.
 *
 * Relies on: `InstanceWrapper.getEnhancersMetadata()` returns the list itself, with an entry for each decorator.
 *
 * If Nest changes it: such a guard makes its gateway request-scoped, which fails `test/nest/handlers/handshake-guards.spec.ts`.
 */
export function detachHandshakeGuards(gateway: InstanceWrapper, guards: readonly HandshakeGuard[]): void {
  const enhancers = gateway.getEnhancersMetadata() ?? [];
  for (const guard of guards) {
    const at = enhancers.findIndex(({ token, isTransient }) => token === guard && isTransient);
    if (at >= 0 && !enhancers[at]!.isDependencyTreeStatic()) enhancers.splice(at, 1);
  }
}
