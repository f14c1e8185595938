import type { CanActivate, Type } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/internal';
import { listHandshakeGuards, type HandshakeGuard } from '../internals/handshake-guard-list.js';
import { HANDSHAKE_METHOD } from './metadata.js';

/**
 * Lets guards decide who may connect to a gateway, before the upgrade: guards as for `@UseGuards()`, in whose context
 * `switchToHttp().getRequest()` is the upgrade request, and `switchToWs().getData()` the `Handshake` (README, "Handshake
 * guards"). They run in order, those of parent classes and of decorators further below first; each must pass.
 *
 * @param guards Guard classes, made by DI in the gateway's module, or instances.
 * @throws TypeError, where it stands, for anything else.
 * @example
 * @UseHandshakeGuards(TokenGuard)
 * @WebwireGateway()
 * class ChatGateway { … }
 */
export function UseHandshakeGuards(...guards: (Type<CanActivate> | CanActivate)[]): ClassDecorator {
  return (target) => {
    if (typeof target !== 'function') throw new TypeError('@UseHandshakeGuards() stands on a class, not on a method');
    guards.forEach((guard, index) => assertGuard(guard, index + 1, target.name));
    const prototype = target.prototype as HandshakeHost;
    const inherited = prototype[HANDSHAKE_METHOD];
    const above = inherited ? (Reflect.getMetadata(GUARDS_METADATA, inherited) as HandshakeGuard[]) : [];
    const handshake = (): void => undefined;
    Reflect.defineMetadata(GUARDS_METADATA, listHandshakeGuards([...above, ...guards]), handshake);
    Object.defineProperty(prototype, HANDSHAKE_METHOD, { value: handshake, configurable: true });
  };
}

/** Prototype of a class that may have handshake guards. */
export interface HandshakeHost {
  readonly [HANDSHAKE_METHOD]?: () => void;
}

/** Whether instances of a class are guards shows when there are some: `canActivate` may be a property. */
function assertGuard(guard: unknown, position: number, gateway: string): void {
  const isClass = typeof guard === 'function' && typeof guard.prototype === 'object';
  if (isClass || typeof (guard as Partial<CanActivate> | null | undefined)?.canActivate === 'function') return;
  throw new TypeError(
    `argument ${position} of @UseHandshakeGuards() on ${gateway} is ${describe(guard)}, ` +
      'but must be a guard: a class, or an object with the method canActivate',
  );
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined (do two files import each other?)';
  if (value === null) return 'null';
  return typeof value === 'string' ? JSON.stringify(value) : `of type ${typeof value}`;
}
