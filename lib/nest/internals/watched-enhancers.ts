import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { ExternalContextCreator } from '@nestjs/core';
import { defer, isObservable, lastValueFrom, type Observable } from 'rxjs';
import type { HandlerArguments } from '../handlers/invoker.js';
import type { HttpEnhancers } from '../handlers/http-enhancers.js';
import { MessageContext } from '../handlers/message-context.js';
import { isPromiseLike } from '../../protocol/promise.js';

/** The parts of Nest's context creator that find guards and interceptors. */
interface CreatorParts {
  readonly guardsContextCreator: { create(...args: unknown[]): CanActivate[] };
  readonly interceptorsContextCreator: { create(...args: unknown[]): NestInterceptor[] };
}

/**
 * A context creator whose pipelines report guards and interceptors that fail because they are written for HTTP.
 *
 * Why: Nest's pipeline runs them without reporting which one has failed.
 *
 * Relies on: `guardsContextCreator.create()` and `interceptorsContextCreator.create()` of `ExternalContextCreator`. The new parts
 * inherit from Nest's.
 *
 * If Nest changes it: the failure itself is logged as before, without the advice, which fails
 * `test/nest/handlers/global-enhancers.spec.ts`.
 */
export function watchEnhancers(creator: ExternalContextCreator, httpEnhancers: HttpEnhancers): ExternalContextCreator {
  const { guardsContextCreator: guards, interceptorsContextCreator: interceptors } = creator as unknown as CreatorParts;
  const findGuards = (...args: unknown[]) => guards.create(...args).map((guard) => watchedGuard(guard, httpEnhancers));
  const findInterceptors = (...args: unknown[]) =>
    interceptors.create(...args).map((interceptor) => watchedInterceptor(interceptor, httpEnhancers));
  return Object.assign<ExternalContextCreator, object>(Object.create(creator) as ExternalContextCreator, {
    guardsContextCreator: Object.create(guards, { create: { value: findGuards } }) as object,
    interceptorsContextCreator: Object.create(interceptors, { create: { value: findInterceptors } }) as object,
  });
}

function watchedGuard(guard: CanActivate, httpEnhancers: HttpEnhancers): CanActivate {
  return {
    canActivate(given) {
      const context = contextOf(given);
      const failed = (error: unknown): never => {
        httpEnhancers.failed('guard', guard, error, context);
        throw error;
      };
      let answer: ReturnType<CanActivate['canActivate']>;
      try {
        answer = guard.canActivate(context);
      } catch (error) {
        return failed(error);
      }
      if (typeof answer === 'boolean') return answer;
      return Promise.resolve(answer)
        .then((value) => (isObservable(value) ? lastValueFrom(value) : value))
        .catch(failed);
    },
  };
}

function watchedInterceptor(interceptor: NestInterceptor, httpEnhancers: HttpEnhancers): NestInterceptor {
  return {
    intercept(given: ExecutionContext, next: CallHandler) {
      const context = contextOf(given);
      const failed = (error: unknown): never => {
        httpEnhancers.failed('interceptor', interceptor, error, context);
        throw error;
      };
      const handle = () => {
        const values = next.handle() as Observable<unknown>;
        return defer(() => (context.usesHttp ? context.noteFailure(values) : values));
      };
      try {
        const values = interceptor.intercept(context, { handle });
        return isPromiseLike(values) ? Promise.resolve(values).catch(failed) : values;
      } catch (error) {
        return failed(error);
      }
    },
  };
}

function contextOf(context: ExecutionContext): MessageContext {
  return new MessageContext(context.getArgs<HandlerArguments>(), context.getClass(), context.getHandler() as never);
}
