import type { CanActivate, Type } from '@nestjs/common';
import type { ContextId } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import type { HandshakeGuard } from '../internals/handshake-guard-list.js';
import { loadPerContext } from '../internals/load-instances.js';
import {
  ExecutionContextHost,
  FORBIDDEN_MESSAGE,
  GUARDS_METADATA,
  REQUEST_CONTEXT_ID,
  STATIC_CONTEXT,
  type InstanceWrapper,
  type Module,
} from '../internals/nest-internals.js';
import { HANDSHAKE_METHOD } from '../decorators/metadata.js';
import type { HandshakeHost } from '../decorators/use-handshake-guards.decorator.js';
import { AsyncScope } from '../../server/async-scope.js';
import { HandshakeRejection, type Handshake } from '../../server/handshake.js';
import type { GatewayDefinition } from './gateway-explorer.js';
import { toHandshakeRejection } from './handshake-rejection.js';
import { createContext } from './request-context.js';

/** A guard that is made for each upgrade. */
class ScopedGuard {
  constructor(
    readonly label: string,
    readonly wrapper: InstanceWrapper,
    readonly module: Module,
  ) {}
}

/** The guards of one gateway, and the function that is the handler in their context. */
interface GuardedGateway {
  readonly gateway: GatewayDefinition;
  readonly handler: () => void;
  readonly guards: readonly (CanActivate | ScopedGuard)[];
}

/**
 * Builds the check that runs before a server accepts an upgrade: the handshake guards of all its gateways, one after the
 * other.
 *
 * @returns `undefined` if there are no guards, so that an upgrade waits for nothing.
 * @throws TypeError if a guard has no method `canActivate`.
 */
export function createHandshakeGuards(
  gateways: readonly GatewayDefinition[],
): ((handshake: Handshake) => Promise<void>) | undefined {
  const guarded = gateways.flatMap(guardedGateway);
  if (guarded.length === 0) return undefined;
  const makerFor = guardMaker(guarded);
  const authorize = async (handshake: Handshake): Promise<void> => {
    const make = makerFor(handshake);
    try {
      for (const { gateway, handler, guards } of guarded) {
        const context = new HandshakeContext(handshake, gateway, handler);
        for (const guard of guards) {
          const instance = guard instanceof ScopedGuard ? await make(guard) : guard;
          if (!(await passes(instance, context))) throw new HandshakeRejection(403, FORBIDDEN_MESSAGE);
        }
      }
    } catch (error) {
      throw toHandshakeRejection(error);
    }
  };
  // Messages of the connection must not see values that a guard puts into an AsyncLocalStorage.
  return (handshake) => new AsyncScope().runInAsyncScope(authorize, undefined, handshake);
}

/** Nest's context would return the second argument, the handshake, as the response. An upgrade has no response yet. */
class HandshakeContext extends ExecutionContextHost {
  constructor(handshake: Handshake, { wrapper }: GatewayDefinition, handler: () => void) {
    super([handshake.request, handshake, undefined], wrapper.metatype as never, handler);
  }

  override switchToHttp(): ReturnType<ExecutionContextHost['switchToHttp']> {
    return Object.assign(super.switchToHttp(), { getResponse: () => undefined as never });
  }
}

/** Runs a guard. As in Nest, a truthy result passes, and the last value of an Observable is its result. */
async function passes(guard: CanActivate, context: HandshakeContext): Promise<boolean> {
  const result: unknown = await guard.canActivate(context);
  const value: unknown = isObservable(result) ? await lastValueFrom(result, { defaultValue: false }) : result;
  if (value instanceof Error) throw value;
  return Boolean(value);
}

function guardedGateway(gateway: GatewayDefinition): GuardedGateway[] {
  const handler = handshakeHandlerOf(gateway);
  if (!handler) return [];
  const guards = guardsOf(handler).map((guard) =>
    typeof guard === 'function' ? guardOfModule(gateway, guard) : guard,
  );
  return guards.length > 0 ? [{ gateway, handler, guards }] : [];
}

/** The handshake guards of a gateway, as they were given to the decorator. */
export function handshakeGuardsOf(gateway: GatewayDefinition): readonly HandshakeGuard[] {
  const handler = handshakeHandlerOf(gateway);
  return handler ? guardsOf(handler) : [];
}

function handshakeHandlerOf({ wrapper }: GatewayDefinition): (() => void) | undefined {
  return (wrapper.metatype!.prototype as HandshakeHost)[HANDSHAKE_METHOD];
}

function guardsOf(handler: () => void): readonly HandshakeGuard[] {
  return Reflect.getMetadata(GUARDS_METADATA, handler) as HandshakeGuard[];
}

/**
 * The guard that Nest registered for a class. Nest would leave out a guard that it cannot find; here that is an error,
 * because clients would be let in without the check.
 */
function guardOfModule({ name, module, wrapper: host }: GatewayDefinition, type: Type): CanActivate | ScopedGuard {
  const wrapper = module.injectables.get(type);
  const label = `${type.name}, a handshake guard of ${name},`;
  if (!wrapper) throw new TypeError(`${label} is not among the guards of ${module.name}`);
  // Nest made transient guards for their gateway at start, unless the gateway is request-scoped.
  const made = wrapper.getInstanceByContextId(STATIC_CONTEXT, host.id);
  if (!wrapper.isDependencyTreeStatic() || !made.isResolved) return new ScopedGuard(label, wrapper, module);
  return assertGuardInstance(label, made.instance);
}

/**
 * Makes the request-scoped guards of one upgrade in one context: they share their dependencies, and `REQUEST` is the upgrade
 * request.
 */
function guardMaker(guarded: readonly GuardedGateway[]) {
  const scoped = guarded.flatMap(({ guards }) => guards.filter((guard) => guard instanceof ScopedGuard));
  // Durable guards get the payload of their context strategy as the request in any case.
  const host = scoped.find(({ wrapper }) => !wrapper.isDependencyTreeDurable()) ?? scoped[0];
  return ({ request }: Handshake) => {
    let contextId: ContextId | undefined;
    const open = (): ContextId => {
      const opened = createContext(host!, request);
      // Guards that call `ContextIdFactory.getByRequest()` get the same context.
      Reflect.defineProperty(request, REQUEST_CONTEXT_ID, { value: opened });
      return opened;
    };
    return async ({ label, wrapper, module }: ScopedGuard): Promise<CanActivate> => {
      contextId ??= open();
      return assertGuardInstance(label, await loadPerContext(module, module.injectables, wrapper, contextId));
    };
  };
}

function assertGuardInstance(label: string, instance: unknown): CanActivate {
  if (typeof (instance as Partial<CanActivate> | null | undefined)?.canActivate === 'function') {
    return instance as CanActivate;
  }
  throw new TypeError(`${label} has no method canActivate`);
}
