import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper, Module } from '@nestjs/core/internal';
import {
  GATEWAY_METADATA,
  GATEWAY_OPTIONS,
  GATEWAY_SERVER_METADATA,
  MESSAGE_MAPPING_METADATA,
  MESSAGE_METADATA,
  PORT_METADATA,
} from '@nestjs/websockets/internal';
import { assertName } from '../options/handler-options.js';
import { WEBWIRE_GATEWAY, WEBWIRE_HANDLES, type GatewayBrand, type HandlesMetadata } from '../decorators/metadata.js';
import { translateOptions } from '../options/foreign-options.js';
import { checkGatewayOptions, type WebwireGatewayOptions } from '../options/gateway-options.js';

/** A method that handles messages. One that handles several kinds or names counts once for each. */
export interface HandlerDefinition extends HandlesMetadata {
  readonly methodName: string;
  /** Whether it is a `@SubscribeMessage()` that Nest itself knows of. */
  readonly isPlain: boolean;
  /**
   * The method as the class declares it. Enhancers are found on it, so an instance that shadows it (bound in the
   * constructor, or spied upon) does not lose its guards.
   */
  readonly callback: (...args: unknown[]) => unknown;
}

/** A gateway as its decorators describe it. */
export interface GatewayDefinition {
  /** Its name in configuration, in a cluster and for people: the option `name`, else that of its class. */
  readonly name: string;
  readonly wrapper: InstanceWrapper;
  readonly module: Module;
  /** Port in the decorator; 0 is the HTTP server of the application. */
  readonly port: number;
  readonly options: WebwireGatewayOptions;
  /** Options of other adapters that are ignored, in words. */
  readonly ignoredOptions: readonly string[];
  /** What Nest will ask the adapter for; a plain `@WebSocketGateway()` has none. */
  readonly namespace: symbol | undefined;
  readonly handlers: readonly HandlerDefinition[];
  /** Properties decorated with `@WebSocketServer()`. */
  readonly serverProperties: readonly string[];
}

/**
 * Finds the gateways of an application: the providers that Nest itself takes for gateways. It looks at their classes only,
 * so that they need not be there yet.
 *
 * @throws InvalidOptionError for a bad option in a decorator.
 * @throws TypeError for a handler that no message can reach.
 */
export function exploreGateways(modules: ModulesContainer): GatewayDefinition[] {
  const gateways: GatewayDefinition[] = [];
  for (const module of modules.values()) {
    for (const wrapper of module.providers.values()) {
      if (wrapper.isNotMetatype || !wrapper.metatype) continue;
      if (Reflect.getMetadata(GATEWAY_METADATA, wrapper.metatype)) gateways.push(exploreGateway(module, wrapper));
    }
  }
  return gateways;
}

function exploreGateway(module: Module, wrapper: InstanceWrapper): GatewayDefinition {
  const metatype = wrapper.metatype!;
  const prototype = metatype.prototype as object;
  const brand = Reflect.getMetadata(WEBWIRE_GATEWAY, metatype) as GatewayBrand | undefined;
  const given = Reflect.getMetadata(GATEWAY_OPTIONS, metatype) as Record<string, unknown>;
  const { options, ignored } = brand
    ? { options: withoutNamespace(given), ignored: [] }
    : translateOptions(metatype.name, given);
  const checked = checkGatewayOptions(metatype.name, options);
  const name = checked.name ?? metatype.name;
  return {
    name,
    wrapper,
    module,
    port: Reflect.getMetadata(PORT_METADATA, metatype) as number,
    options: checked,
    ignoredOptions: ignored,
    namespace: brand?.namespace,
    handlers: exploreHandlers(name, prototype),
    serverProperties: exploreServerProperties(prototype),
  };
}

/** The namespace of a WebWire gateway is for Nest. */
function withoutNamespace(options: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(options).filter((name) => name !== 'namespace');
  return Object.fromEntries(names.map((name) => [name, options[name]]));
}

function exploreHandlers(gateway: string, prototype: object): HandlerDefinition[] {
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((methodName) => {
    const callback = (prototype as Record<string, HandlerDefinition['callback']>)[methodName]!;
    const own = (Reflect.getMetadata(WEBWIRE_HANDLES, callback) ?? []) as HandlesMetadata[];
    const isPlain = Reflect.getMetadata(MESSAGE_MAPPING_METADATA, callback) === true;
    const plain = isPlain
      ? plainHandles(`${gateway}.${methodName}`, Reflect.getMetadata(MESSAGE_METADATA, callback))
      : [];
    return [
      ...own.map((handles) => ({ ...handles, methodName, callback, isPlain: false })),
      ...plain.map((handles) => ({ ...handles, methodName, callback, isPlain: true })),
    ];
  });
}

/** A plain `@SubscribeMessage()` takes requests and signals alike. */
function plainHandles(handler: string, name: unknown): HandlesMetadata[] {
  if (typeof name !== 'string') throw new TypeError(`@SubscribeMessage() of ${handler} needs a string as its name`);
  assertName('message', name, handler);
  return (['request', 'signal'] as const).map((kind) => ({ kind, target: { name }, codec: undefined }));
}

/** The decorator leaves the property, empty, on the prototype. */
function exploreServerProperties(prototype: object): string[] {
  const properties: string[] = [];
  for (const property in prototype) {
    if (Reflect.getMetadata(GATEWAY_SERVER_METADATA, prototype, property) !== undefined) properties.push(property);
  }
  return properties;
}
