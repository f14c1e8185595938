import type { ArgumentMetadata, CanActivate, NestInterceptor, PipeTransform } from '@nestjs/common';
import { ParamsTokenFactory, type ParamProperties } from '@nestjs/core/internal';
import type { HandlerDefinition } from '../handlers/gateway-explorer.js';
import type { HandlerArguments } from '../handlers/invoker.js';
import type { NestContext } from '../handlers/nest-context.js';
import { nestPipeline } from '../handlers/nest-pipeline.js';

/** A parameter of a handler, and what its value goes through. */
export interface PipedParameter {
  readonly index: number;
  /** What the decorator stands for, before pipes. */
  readonly extract: (...args: HandlerArguments) => unknown;
  readonly pipes: readonly PipeTransform[];
  readonly metadata: ArgumentMetadata;
}

/** What applies to a handler: global enhancers, its gateway's and its own, in the order in which they run. */
export interface Enhancers {
  readonly guards: readonly CanActivate[];
  readonly interceptors: readonly NestInterceptor[];
  readonly parameters: readonly PipedParameter[];
}

/** What is replaced of Nest's creator of pipelines, and what is used of it. */
interface CreatorParts {
  createGuardsFn: (guards: CanActivate[]) => null;
  createPipesFn: (pipes: PipeTransform[], parameters: Parameter[]) => null;
  interceptorsContextCreator: { create: (...args: unknown[]) => NestInterceptor[] };
}

type Parameter = ParamProperties & Pick<ArgumentMetadata, 'metatype'> & { schema?: ArgumentMetadata['schema'] };

const tokens = new ParamsTokenFactory();

/**
 * Lets Nest find what applies to a handler, once for all messages. Nest builds a pipeline of it, which is thrown away: on the
 * way there the pieces are noted.
 * @returns `undefined` if Nest did not take that way.
 */
export function resolveEnhancers(
  nest: NestContext,
  instance: object,
  handler: HandlerDefinition,
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
    nestPipeline({ contextCreator: heir }, instance, handler);
  } catch {
    // Either the way is another, or something is wrong with the handler, and then with Nest's own pipeline as well.
    return undefined;
  }
  const { guards, interceptors, parameters } = found;
  // A guard that is overlooked would let everybody in.
  return guards && interceptors && parameters ? { guards, interceptors, parameters } : undefined;
}

function pipedParameter(pipes: PipeTransform[], parameter: Parameter): PipedParameter {
  const { index, extractValue, type, data, metatype, schema } = parameter;
  return {
    index,
    extract: extractValue as PipedParameter['extract'],
    pipes: [...pipes, ...parameter.pipes],
    metadata: {
      metatype,
      type: tokens.exchangeEnumForString(type as never),
      data: data as string,
      schema,
    },
  };
}
