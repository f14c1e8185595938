import type { CanActivate, Type } from '@nestjs/common';
import { listHandshakeGuards, type HandshakeGuard } from '../internals/handshake-guard-list.js';
import { GUARDS_METADATA } from '../internals/nest-internals.js';
import { HANDSHAKE_METHOD } from './metadata.js';

/**
 * Runs guards before clients may connect to a gateway. They are guards as for `@UseGuards()`; in their context,
 * `switchToHttp().getRequest()` returns the upgrade request, and `switchToWs().getData()` the `Handshake`
 * (docs/authentication.md). All must pass. They run in order; those of parent classes and of decorators further below run first.
 *
 * @param guards Guard classes, which Nest makes in the gateway's module, or instances.
 * @throws TypeError, when the class is declared, for any other argument.
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

/** Accepts any class: `canActivate` may be a property, which only its instances have. */
function assertGuard(guard: unknown, position: number, gateway: string): void {
  const isClass = typeof guard === 'function' && typeof guard.prototype === 'object';
  if (isClass || typeof (guard as Partial<CanActivate> | null | undefined)?.canActivate === 'function') return;
  throw new TypeError(
    `argument ${position} of @UseHandshakeGuards() on ${gateway} is ${describeArgument(guard)}, ` +
      'but must be a guard: a class, or an object with the method canActivate',
  );
}

function describeArgument(value: unknown): string {
  if (value === undefined) return 'undefined (do two files import each other?)';
  if (value === null) return 'null';
  return typeof value === 'string' ? JSON.stringify(value) : `of type ${typeof value}`;
}
