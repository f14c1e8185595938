/**
 * All imports from Nest beyond its public API. No other file may import `@nestjs/<package>/…`: support for another version
 * of Nest is a change of this file, and of its neighbours that explain what they rely on.
 *
 * The paths, with their extension, exist in Nest 12 (ES modules) and in Nest 11 (CommonJS, which has no
 * `@nestjs/core/internal`). The imports are namespaces, because a named import of an export that Nest removed would fail with
 * a SyntaxError before any code of this package runs; so `assertNestParts()` can list everything that is missing. Only a
 * removed file still fails with the error of Node.js, which names its path.
 *
 * | Part                                            | Use                                                               |
 * | ----------------------------------------------- | ----------------------------------------------------------------- |
 * | `ExecutionContextHost`                          | The context of guards, interceptors, filters and decorators. Nest has no public class that makes one. |
 * | `ContextUtils`, `ParamsTokenFactory`, `ROUTE_ARGS_METADATA`, `CUSTOM_ROUTE_ARGS_METADATA`, `WsParamtype` | Metadata of parameter decorators: handlers that run without Nest's pipeline get the same arguments. |
 * | `FORBIDDEN_MESSAGE`, `MESSAGES`                 | Texts of Nest: a guard fails with the same one, and a filter's report of an unknown error is recognised. |
 * | `REQUEST_CONTEXT_ID`                            | Lets `ContextIdFactory.getByRequest()` find the context of an upgrade request. |
 * | `STATIC_CONTEXT`                                | The context of instances that are made at start.                  |
 * | `Module`                                        | See `lifecycle.ts`, `module-order.ts`, `late-providers.ts` and `handshake-guard-list.ts`. |
 * | `InstanceWrapper`                               | See `scoped-enhancers.ts` and `module-order.ts`; elsewhere only its type: what Nest's public `ModulesContainer` holds. |
 * | other `…_METADATA`, `ENTRY_PROVIDER_WATERMARK`, `GATEWAY_OPTIONS` | Keys of the metadata that Nest's decorators write. Nest has no public reader of them. |
 */

// Deep files of Nest import each other in circles, which work only if the main entry point is loaded first.
import { ExternalContextCreator, ModuleRef } from '@nestjs/core';
import * as common from '@nestjs/common/constants.js';
import * as coreConstants from '@nestjs/core/constants.js';
import * as guards from '@nestjs/core/guards/constants.js';
import * as contextUtils from '@nestjs/core/helpers/context-utils.js';
import * as contextHost from '@nestjs/core/helpers/execution-context-host.js';
import * as injector from '@nestjs/core/injector/constants.js';
import * as instanceWrapper from '@nestjs/core/injector/instance-wrapper.js';
import * as nestModule from '@nestjs/core/injector/module.js';
import * as paramsTokenFactory from '@nestjs/core/pipes/params-token-factory.js';
import * as requestConstants from '@nestjs/core/router/request/request-constants.js';
import * as websockets from '@nestjs/websockets/constants.js';
import * as wsParamtype from '@nestjs/websockets/enums/ws-paramtype.enum.js';
import { assertNestParts } from './assert-nest-parts.js';

export type { ParamProperties } from '@nestjs/core/helpers/context-utils.js';

export const {
  CUSTOM_ROUTE_ARGS_METADATA,
  ENTRY_PROVIDER_WATERMARK,
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  MODULE_METADATA,
  PIPES_METADATA,
  ROUTE_ARGS_METADATA,
} = common;
export const { MESSAGES } = coreConstants;
export const { FORBIDDEN_MESSAGE } = guards;
export const { ContextUtils } = contextUtils;
export const { ExecutionContextHost } = contextHost;
export type ExecutionContextHost = contextHost.ExecutionContextHost;
export const { STATIC_CONTEXT } = injector;
export type InstanceWrapper<T = unknown> = instanceWrapper.InstanceWrapper<T>;
export const { Module } = nestModule;
export type Module = nestModule.Module;
export const { ParamsTokenFactory } = paramsTokenFactory;
export const { REQUEST_CONTEXT_ID } = requestConstants;
export const {
  GATEWAY_METADATA,
  GATEWAY_OPTIONS,
  GATEWAY_SERVER_METADATA,
  MESSAGE_MAPPING_METADATA,
  MESSAGE_METADATA,
  PORT_METADATA,
} = websockets;
export const { WsParamtype } = wsParamtype;

assertNestParts({
  CUSTOM_ROUTE_ARGS_METADATA,
  ENTRY_PROVIDER_WATERMARK,
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  'MODULE_METADATA.IMPORTS': MODULE_METADATA?.IMPORTS,
  PIPES_METADATA,
  ROUTE_ARGS_METADATA,
  'MESSAGES.UNKNOWN_EXCEPTION_MESSAGE': MESSAGES?.UNKNOWN_EXCEPTION_MESSAGE,
  FORBIDDEN_MESSAGE,
  ...methodsOf('ContextUtils', ContextUtils, ['getContextFactory', 'mapParamType', 'reflectCallbackMetadata']),
  ...methodsOf('ExecutionContextHost', ExecutionContextHost, ['getArgs', 'setType', 'switchToHttp']),
  STATIC_CONTEXT,
  ...methodsOf('InstanceWrapper', instanceWrapper.InstanceWrapper, [
    'addEnhancerMetadata',
    'getEnhancersMetadata',
    'getInstanceByContextId',
    'isDependencyTreeDurable',
    'isDependencyTreeStatic',
  ]),
  ...methodsOf('Module', Module, [
    'addExportedProviderOrModule',
    'addInjectable',
    'addProvider',
    'getNonAliasProviders',
  ]),
  ...methodsOf('ParamsTokenFactory', ParamsTokenFactory, ['exchangeEnumForString']),
  REQUEST_CONTEXT_ID,
  GATEWAY_METADATA,
  GATEWAY_OPTIONS,
  GATEWAY_SERVER_METADATA,
  MESSAGE_MAPPING_METADATA,
  MESSAGE_METADATA,
  PORT_METADATA,
  'WsParamtype.PAYLOAD': WsParamtype?.PAYLOAD,
  'WsParamtype.SOCKET': WsParamtype?.SOCKET,
  // Public, but this package needs a version that has them.
  ...methodsOf('ExternalContextCreator', ExternalContextCreator, ['create']),
  ...methodsOf('ModuleRef', ModuleRef, ['registerRequestByContextId']),
});

/** Methods of a class by their names for an error. */
function methodsOf(
  name: string,
  type: { readonly prototype: object } | undefined,
  methods: readonly string[],
): Record<string, unknown> {
  const prototype = type?.prototype as Record<string, unknown> | undefined;
  return Object.fromEntries(methods.map((method) => [`${name}.${method}()`, prototype?.[method]]));
}
