import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import type { StandardSchema } from '../../contract/standard-schema.js';
import { isSchema } from '../../contract/validate.js';
import { messageArgument } from '../decorators/webwire-message.decorator.js';
import {
  ContextUtils,
  CUSTOM_ROUTE_ARGS_METADATA,
  ROUTE_ARGS_METADATA,
  WsParamtype,
  type ExecutionContextHost,
} from '../internals/nest-internals.js';
import type { HandlerDefinition } from './gateway-explorer.js';
import type { HandlerArguments } from './invoker.js';

/** Metadata key of the parameters of handlers without parameter decorators. */
const DEFAULT_ARGS = 'webwire:default-args';

interface Parameter {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes: readonly (PipeTransform | (new () => PipeTransform))[];
  readonly schema?: unknown;
  readonly factory?: (data: unknown, context: ExecutionContext) => unknown;
}

type Parameters = Record<string, Parameter>;

const contextUtils = new ContextUtils();

/** Gives Nest's pipeline the values of Nest's own parameter decorators. */
export const PARAMS_FACTORY = {
  exchangeKeyForValue(type: unknown, data: unknown, args: HandlerArguments): unknown {
    return builtInValue(type, data, args);
  },
};

/**
 * The metadata key under which Nest's pipeline finds the parameters of a handler. Handlers without parameter decorators get
 * the parameters `(connection, body)` under a key of their own.
 */
export function parametersKey(instance: object, methodName: string): string {
  if (reflect(instance, methodName, ROUTE_ARGS_METADATA)) return ROUTE_ARGS_METADATA;
  const defaults: Parameters = {
    [`${WsParamtype.SOCKET}:0`]: { index: 0, pipes: [] },
    [`${WsParamtype.PAYLOAD}:1`]: { index: 1, pipes: [] },
  };
  Reflect.defineMetadata(DEFAULT_ARGS, defaults, parametersHost(instance, methodName), methodName);
  return DEFAULT_ARGS;
}

/** The parameters of a handler. `arePiped` is `true` if a pipe or schema applies to any of them. */
export function reflectParameters(
  instance: object,
  methodName: string,
): { list: [string, Parameter][]; arePiped: boolean } {
  const list = Object.entries(reflect(instance, methodName, parametersKey(instance, methodName)) ?? {});
  return { list, arePiped: list.some(([, { pipes, schema }]) => pipes.length > 0 || schema !== undefined) };
}

/** A parameter that takes the body. */
export interface PayloadParameter {
  readonly index: number;
  /** The property of the body that it takes; `undefined` for the whole body. */
  readonly property: string | undefined;
  /** The schema that `@MessageBody({ schema })` of Nest 12 validates with. */
  readonly schema: StandardSchema | undefined;
}

/** The parameters of a handler that take the body. @param prototype Of the class of the gateway. */
export function payloadParameters(prototype: object, methodName: string): PayloadParameter[] {
  return reflectParameters(prototype, methodName)
    .list.filter(([key]) => !isCustom(key) && isPayload(key))
    .map(([, { index, data, schema }]) => ({
      index,
      property: typeof data === 'string' && data !== '' ? data : undefined,
      schema: isSchema(schema) ? schema : undefined,
    }));
}

/** Reads the value of a parameter, before pipes. */
export type ParameterReader = (...args: HandlerArguments) => unknown;

/** The readers of a handler's parameters, to which no pipe applies. */
export interface ParameterReaders {
  readonly list: readonly ParameterReader[];
  /** `true` if a value may be a promise, which only custom decorators of the application return. */
  readonly areAsync: boolean;
}

/** Chooses at start how each parameter is read, to save time for each message. */
export function parameterReaders(instance: object, { methodName, callback }: HandlerDefinition): ParameterReaders {
  const parameters = reflectParameters(instance, methodName).list;
  const contextOf = contextUtils.getContextFactory('ws', instance, callback);
  const list: ParameterReader[] = [];
  for (const [key, parameter] of parameters) list[parameter.index] = reader(key, parameter, contextOf);
  for (let index = 0; index < list.length; index++) list[index] ??= nothing;
  const areAsync = parameters.some(([key, { factory }]) => isCustom(key) && factory !== messageArgument);
  return { list, areAsync };
}

function reader(
  key: string,
  { data, factory }: Parameter,
  contextOf: (args: unknown[]) => ExecutionContextHost,
): ParameterReader {
  if (factory === messageArgument) return (_connection, _body, message) => message;
  if (isCustom(key)) return (...args) => factory?.(data, contextOf(args));
  const type: unknown = Number(contextUtils.mapParamType(key));
  if (type === WsParamtype.SOCKET) return (connection) => connection;
  if (type === WsParamtype.PAYLOAD && !data) return (_connection, body) => body;
  return (...args) => builtInValue(type, data, args);
}

function isCustom(key: string): boolean {
  return key.includes(CUSTOM_ROUTE_ARGS_METADATA);
}

function isPayload(key: string): boolean {
  const type: unknown = Number(contextUtils.mapParamType(key));
  return type === WsParamtype.PAYLOAD;
}

function nothing(): undefined {}

function builtInValue(type: unknown, data: unknown, [connection, body]: HandlerArguments): unknown {
  if (type === WsParamtype.SOCKET) return connection;
  if (type !== WsParamtype.PAYLOAD) return undefined;
  return data ? (body as Record<string, unknown> | undefined | null)?.[data as string] : body;
}

function reflect(instance: object, methodName: string, key: string): Parameters | undefined {
  return contextUtils.reflectCallbackMetadata<Parameters>(instance, methodName, key);
}

/** The class on which Nest looks for the metadata of a handler's parameters: Nest 11 takes the class of the instance. */
function parametersHost(instance: object, methodName: string): object {
  const utils = contextUtils as unknown as { getParamsHost?(instance: object, methodName: string): object };
  return utils.getParamsHost?.(instance, methodName) ?? instance.constructor;
}
