import type { CanActivate, Type } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/internal';
import type { ContextId } from '@nestjs/core';
import {
  ExecutionContextHost,
  FORBIDDEN_MESSAGE,
  REQUEST_CONTEXT_ID,
  STATIC_CONTEXT,
  type InstanceWrapper,
  type Module,
} from '@nestjs/core/internal';
import { isObservable, lastValueFrom } from 'rxjs';
import type { HandshakeGuard } from '../internals/handshake-guard-list.js';
import { HANDSHAKE_METHOD } from '../decorators/metadata.js';
import type { HandshakeHost } from '../decorators/use-handshake-guards.decorator.js';
import { AsyncScope } from '../../server/async-scope.js';
import { HandshakeRejection, type Handshake } from '../../server/handshake.js';
import { createContext } from './enhanced-invoker.js';
import type { GatewayDefinition } from './gateway-explorer.js';
import type { NestContext } from './nest-context.js';
import { toRefusal } from './refusal.js';

/** A guard that is made for each upgrade. */
class ScopedGuard {
  constructor(
    readonly label: string,
    readonly wrapper: InstanceWrapper,
    readonly module: Module,
  ) {}
}

/** The guards of one gateway, and what stands for it in their context. */
interface GuardedGateway {
  readonly gateway: GatewayDefinition;
  readonly handler: () => void;
  readonly guards: readonly (CanActivate | ScopedGuard)[];
}

/**
 * Builds the check of who may connect to a server: the handshake guards of all its gateways, one after the other.
 *
 * @returns `undefined` if there are none, so that nobody has to wait for them.
 * @throws TypeError if what was given as a guard is none.
 */
export function createHandshakeGuards(
  nest: NestContext,
  gateways: readonly GatewayDefinition[],
): ((handshake: Handshake) => Promise<void>) | undefined {
  const guarded = gateways.flatMap(guardedGateway);
  if (guarded.length === 0) return undefined;
  const makerFor = guardMaker(nest, guarded);
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
      throw toRefusal(error);
    }
  };
  // Values that a guard puts into an AsyncLocalStorage are not seen by the messages of the connection.
  return (handshake) => new AsyncScope().runInAsyncScope(authorize, undefined, handshake);
}

/** There is no response yet, which is what Nest's context would take the second argument for. */
class HandshakeContext extends ExecutionContextHost {
  constructor(handshake: Handshake, { wrapper }: GatewayDefinition, handler: () => void) {
    super([handshake.request, handshake, undefined], wrapper.metatype as never, handler);
  }

  override switchToHttp(): ReturnType<ExecutionContextHost['switchToHttp']> {
    return Object.assign(super.switchToHttp(), { getResponse: () => undefined as never });
  }
}

/** As Nest's own guards: anything true passes, and of an Observable the last value counts. */
async function passes(guard: CanActivate, context: HandshakeContext): Promise<boolean> {
  const result: unknown = await guard.canActivate(context);
  const value: unknown = isObservable(result) ? await lastValueFrom(result, { defaultValue: false }) : result;
  if (value instanceof Error) throw value;
  return Boolean(value);
}

function guardedGateway(gateway: GatewayDefinition): GuardedGateway[] {
  const handler = (gateway.wrapper.metatype!.prototype as HandshakeHost)[HANDSHAKE_METHOD];
  if (!handler) return [];
  const guards = (Reflect.getMetadata(GUARDS_METADATA, handler) as HandshakeGuard[]).map((guard) =>
    typeof guard === 'function' ? guardOfModule(gateway, guard) : guard,
  );
  return guards.length > 0 ? [{ gateway, handler, guards }] : [];
}

/** A guard that cannot be found is not left out, as Nest would do: whom it should keep out would be let in. */
function guardOfModule({ name, module, wrapper: host }: GatewayDefinition, type: Type): CanActivate | ScopedGuard {
  const wrapper = module.injectables.get(type);
  const label = `${type.name}, a handshake guard of ${name},`;
  if (!wrapper) throw new TypeError(`${label} is not among the guards of ${module.name}`);
  // Transient ones were made for their gateway, unless that is made for each message.
  const made = wrapper.getInstanceByContextId(STATIC_CONTEXT, host.id);
  if (!wrapper.isDependencyTreeStatic() || !made.isResolved) return new ScopedGuard(label, wrapper, module);
  return assertGuard(label, made.instance);
}

/** Makes the guards for one upgrade in one context: they share what they depend on, and `REQUEST` is the upgrade request. */
function guardMaker(nest: NestContext, guarded: readonly GuardedGateway[]) {
  const scoped = guarded.flatMap(({ guards }) => guards.filter((guard) => guard instanceof ScopedGuard));
  // Durable ones get the payload of their strategy for the request in any case.
  const host = scoped.find(({ wrapper }) => !wrapper.isDependencyTreeDurable()) ?? scoped[0];
  return ({ request }: Handshake) => {
    let contextId: ContextId | undefined;
    const open = (): ContextId => {
      const opened = createContext(nest, host!, request);
      // What guards resolve by themselves (`ContextIdFactory.getByRequest()`) is in the same context.
      Reflect.defineProperty(request, REQUEST_CONTEXT_ID, { value: opened });
      return opened;
    };
    return async ({ label, wrapper, module }: ScopedGuard): Promise<CanActivate> => {
      contextId ??= open();
      const { injectables } = module;
      const instance: unknown = await nest.injector.loadPerContext({}, module, injectables, contextId, wrapper);
      return assertGuard(label, instance);
    };
  };
}

function assertGuard(label: string, instance: unknown): CanActivate {
  if (typeof (instance as Partial<CanActivate> | null | undefined)?.canActivate === 'function') {
    return instance as CanActivate;
  }
  throw new TypeError(`${label} has no method canActivate`);
}
