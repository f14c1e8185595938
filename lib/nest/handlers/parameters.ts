import { ContextUtils, ExecutionContextHost } from '@nestjs/core/internal';
import { CUSTOM_ROUTE_ARGS_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/internal';
import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import { WsParamtype } from '@nestjs/websockets/enums/ws-paramtype.enum.js';
import { MESSAGE_ARGUMENT, messageOf } from '../decorators/webwire-message.decorator.js';
import type { HandlerDefinition } from './gateway-explorer.js';
import type { HandlerArguments } from './invoker.js';

/** Metadata key for handlers without parameter decorators, which get `(connection, body)`. */
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

/** How Nest's pipeline finds the values of Nest's own decorators. */
export const PARAMS_FACTORY = {
  exchangeKeyForValue(type: unknown, data: unknown, args: HandlerArguments): unknown {
    return valueOf(type, data, args);
  },
};

/** The metadata key under which Nest's pipeline finds the parameters of a handler. */
export function parametersKey(instance: object, methodName: string): string {
  if (reflect(instance, methodName, ROUTE_ARGS_METADATA)) return ROUTE_ARGS_METADATA;
  const defaults: Parameters = {
    [`${WsParamtype.SOCKET}:0`]: { index: 0, pipes: [] },
    [`${WsParamtype.PAYLOAD}:1`]: { index: 1, pipes: [] },
  };
  Reflect.defineMetadata(DEFAULT_ARGS, defaults, contextUtils['getParamsHost'](instance, methodName), methodName);
  return DEFAULT_ARGS;
}

/** The parameters of a handler, and whether pipes or schemas apply to any of them. */
export function reflectParameters(
  instance: object,
  methodName: string,
): { list: [string, Parameter][]; arePiped: boolean } {
  const list = Object.entries(reflect(instance, methodName, parametersKey(instance, methodName)) ?? {});
  return { list, arePiped: list.some(([, { pipes, schema }]) => pipes.length > 0 || schema !== undefined) };
}

/** Finds the values of a handler's parameters where no pipe applies to them. */
export interface ParameterReader {
  read(...args: HandlerArguments): unknown[];
  /** Whether a value may have to be waited for: only those of decorators of the application's own. */
  readonly isAsync: boolean;
}

type Reader = (args: HandlerArguments) => unknown;

/** Decides at start how each parameter is read, so that little is left to do for a message. */
export function parameterReader(instance: object, { methodName, callback }: HandlerDefinition): ParameterReader {
  const { list } = reflectParameters(instance, methodName);
  const contextOf = contextUtils.getContextFactory('ws', instance, callback);
  const readers: Reader[] = [];
  for (const [key, parameter] of list) readers[parameter.index] = reader(key, parameter, contextOf);
  for (let index = 0; index < readers.length; index++) readers[index] ??= nothing;
  const isAsync = list.some(([key, { factory }]) => isCustom(key) && factory !== messageOf);
  const readOne = isAsync ? attempt : call;
  return {
    isAsync,
    read: (...args) => readers.map((read) => readOne(read, args)),
  };
}

function call(read: Reader, args: HandlerArguments): unknown {
  return read(args);
}

/** A failure is a promise like others, which may have been made before it: none of them goes unheard. */
function attempt(read: Reader, args: HandlerArguments): unknown {
  try {
    return read(args);
  } catch (error) {
    return Promise.reject(error);
  }
}

function reader(
  key: string,
  { data, factory }: Parameter,
  contextOf: (args: unknown[]) => ExecutionContextHost,
): Reader {
  if (factory === messageOf) return (args) => args[MESSAGE_ARGUMENT];
  if (isCustom(key)) return (args) => factory?.(data, contextOf(args));
  const type: unknown = Number(contextUtils.mapParamType(key));
  if (type === WsParamtype.SOCKET) return (args) => args[0];
  if (type === WsParamtype.PAYLOAD && !data) return (args) => args[1];
  return (args) => valueOf(type, data, args);
}

function isCustom(key: string): boolean {
  return key.includes(CUSTOM_ROUTE_ARGS_METADATA);
}

function nothing(): undefined {}

function valueOf(type: unknown, data: unknown, [connection, body]: HandlerArguments): unknown {
  if (type === WsParamtype.SOCKET) return connection;
  if (type !== WsParamtype.PAYLOAD) return undefined;
  return data ? (body as Record<string, unknown> | undefined | null)?.[data as string] : body;
}

function reflect(instance: object, methodName: string, key: string): Parameters | undefined {
  return contextUtils.reflectCallbackMetadata<Parameters>(instance, methodName, key);
}
