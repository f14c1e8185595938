import type { CanActivate, Type } from '@nestjs/common';
import type { InstanceWrapper, Module } from '@nestjs/core/internal';

/** A guard, or the class of one. */
export type HandshakeGuard = Type<CanActivate> | CanActivate;

/** What Nest's scanner does with each guard that it finds; it returns what it made of a class. */
type Register = (guard: unknown) => InstanceWrapper | undefined;

/** Registered in place of guards, for the module in which that happens. */
class HandshakeGuards {}

/**
 * Puts guards into a list for the metadata of a method, where Nest's scanner finds them and registers them with the module,
 * so that they are made, overridden and destroyed as any guard.
 *
 * The scanner also makes the class depend on them, since guards of methods may be needed for each message. A request-scoped
 * handshake guard would make its whole gateway request-scoped, and be made anew for each message, with a connection for its
 * request. So the list, when the scanner walks through it, adds its classes to the module by itself. Should a scanner go
 * about it differently, it finds an ordinary list.
 */
export function listHandshakeGuards(guards: readonly HandshakeGuard[]): HandshakeGuard[] {
  const list = [...guards];
  const forEach = (register: Register): void => {
    let module: Module | undefined;
    for (const guard of list) {
      module ??= typeof guard === 'function' ? register(HandshakeGuards)?.host : undefined;
      const added = typeof guard === 'function' ? module?.addInjectable(guard, 'guard') : undefined;
      // Transient ones are made for the class that depends on them.
      if (!added || (added as InstanceWrapper).isTransient) register(guard);
    }
  };
  return Object.defineProperty(list, 'forEach', { value: forEach });
}
