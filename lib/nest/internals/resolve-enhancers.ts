import type { ArgumentMetadata, CanActivate, NestInterceptor, PipeTransform } from '@nestjs/common';
import type { HandlerDefinition } from '../handlers/gateway-explorer.js';
import type { HandlerArguments } from '../handlers/invoker.js';
import type { NestContext } from '../handlers/nest-context.js';
import { nestPipeline, type Scope } from '../handlers/nest-pipeline.js';
import { ParamsTokenFactory, WsParamtype, type ParamProperties } from './nest-internals.js';

/** A parameter of a handler, and the pipes that transform its value. */
export interface PipedParameter {
  readonly index: number;
  /** Returns the value that the decorator stands for, before pipes. */
  readonly extract: (...args: HandlerArguments) => unknown;
  readonly pipes: readonly PipeTransform[];
  readonly metadata: ArgumentMetadata;
}

/** The guards, interceptors and pipes of a handler: global ones, its gateway's and its own, in the order in which they run. */
export interface Enhancers {
  readonly guards: readonly CanActivate[];
  readonly interceptors: readonly NestInterceptor[];
  readonly parameters: readonly PipedParameter[];
}

/** The parts of Nest's context creator that are replaced while it builds a pipeline. */
interface CreatorParts {
  createGuardsFn: (guards: CanActivate[]) => null;
  createPipesFn: (pipes: PipeTransform[], parameters: Parameter[]) => null;
  interceptorsContextCreator: { create: (...args: unknown[]) => NestInterceptor[] };
}

type Parameter = ParamProperties & Pick<ArgumentMetadata, 'metatype'> & { schema?: ArgumentMetadata['schema'] };

const tokens = new ParamsTokenFactory();

/**
 * Lets Nest find the guards, interceptors and pipes of a handler, once for all messages.
 *
 * Why: Nest's pipeline awaits each of its steps; `Pipeline` runs the same enhancers and awaits only promises. Nest has no
 * public API that finds enhancers without running them.
 *
 * Relies on: `ExternalContextCreator.create()` calls its methods `createGuardsFn()`, `createPipesFn()` and
 * `interceptorsContextCreator.create()` while it builds a pipeline. A creator that inherits from Nest's replaces them, records
 * their arguments, and its pipeline is thrown away.
 *
 * If Nest changes it: one of the three is not called, and the result is `undefined`. The caller then uses Nest's own pipeline,
 * so that no guard is left out.
 */
export function resolveEnhancers(
  nest: NestContext,
  instance: object,
  handler: HandlerDefinition,
  scope: Scope,
): Enhancers | undefined {
  const { contextCreator } = nest;
  const found: { -readonly [Piece in keyof Enhancers]?: Enhancers[Piece] } = {};
  const { interceptorsContextCreator } = contextCreator as unknown as CreatorParts;
  const parts: CreatorParts = {
    createGuardsFn(guards) {
      found.guards = guards;
      return null;
    },
    createPipesFn(pipes, parameters) {
      found.parameters = parameters.map((parameter) => pipedParameter(pipes, parameter));
      return null;
    },
    interceptorsContextCreator: {
      create(...args) {
        const interceptors = interceptorsContextCreator.create(...args);
        found.interceptors = interceptors;
        return interceptors;
      },
    },
  };
  const heir = Object.assign<typeof contextCreator, object>(
    Object.create(contextCreator) as typeof contextCreator,
    parts,
  );
  try {
    nestPipeline({ contextCreator: heir }, instance, handler, scope);
  } catch {
    // Nest builds pipelines in another way, or the handler is invalid. Nest's own pipeline then reports the error.
    return undefined;
  }
  const { guards, interceptors, parameters } = found;
  // A guard that is not found would let every client in.
  return guards && interceptors && parameters ? { guards, interceptors, parameters } : undefined;
}

function pipedParameter(pipes: PipeTransform[], parameter: Parameter): PipedParameter {
  const { index, extractValue, type, data, metatype, schema } = parameter;
  return {
    index,
    // Most parameters are the body. Nest's function makes an array of the arguments first.
    extract: isBody(parameter) ? (_connection, body) => body : (extractValue as PipedParameter['extract']),
    pipes: [...pipes, ...parameter.pipes],
    metadata: {
      metatype,
      type: tokens.exchangeEnumForString(type as never),
      data: data as string,
      schema,
    },
  };
}

/** Returns `true` for `@MessageBody()` without the name of a property. */
function isBody({ type, data }: Parameter): boolean {
  return (type as unknown) === WsParamtype.PAYLOAD && !data;
}
