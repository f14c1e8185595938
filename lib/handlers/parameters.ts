import { ContextUtils, ExecutionContextHost } from '@nestjs/core/internal';
import { CUSTOM_ROUTE_ARGS_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/internal';
import type { PipeTransform } from '@nestjs/common';
import { WsParamtype } from '@nestjs/websockets/enums/ws-paramtype.enum.js';
import type { HandlerDefinition } from './gateway-explorer.js';
import type { HandlerArguments } from './invoker.js';

/** Metadata key for handlers without parameter decorators, which get `(connection, body)`. */
const DEFAULT_ARGS = 'webwire:default-args';

interface Parameter {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes: readonly (PipeTransform | (new () => PipeTransform))[];
  readonly schema?: unknown;
  readonly factory?: (data: unknown, context: ExecutionContextHost) => unknown;
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

/** Makes a function that finds the values of a handler's parameters where no pipe applies to them. */
export function parameterReader(
  instance: object,
  { methodName, callback }: HandlerDefinition,
): (args: HandlerArguments) => unknown[] {
  const { list } = reflectParameters(instance, methodName);
  const length = Math.max(0, ...list.map(([, { index }]) => index + 1));
  const contextOf = contextUtils.getContextFactory('ws', instance, callback);
  const readers = list.map(([key, parameter]) => ({
    index: parameter.index,
    read: reader(key, parameter, contextOf),
  }));
  return (args) => {
    const values: unknown[] = Array.from({ length });
    for (const { index, read } of readers) values[index] = read(args);
    return values;
  };
}

function reader(
  key: string,
  { data, factory }: Parameter,
  contextOf: (args: unknown[]) => ExecutionContextHost,
): (args: HandlerArguments) => unknown {
  if (key.includes(CUSTOM_ROUTE_ARGS_METADATA)) return (args) => factory?.(data, contextOf(args));
  const type: unknown = Number(contextUtils.mapParamType(key));
  return (args) => valueOf(type, data, args);
}

function valueOf(type: unknown, data: unknown, [connection, body]: HandlerArguments): unknown {
  if (type === WsParamtype.SOCKET) return connection;
  if (type !== WsParamtype.PAYLOAD) return undefined;
  return data ? (body as Record<string, unknown> | undefined | null)?.[data as string] : body;
}

function reflect(instance: object, methodName: string, key: string): Parameters | undefined {
  return contextUtils.reflectCallbackMetadata<Parameters>(instance, methodName, key);
}
