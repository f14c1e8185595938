import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import {
  GATEWAY_METADATA,
  GATEWAY_OPTIONS,
  GATEWAY_SERVER_METADATA,
  MESSAGE_MAPPING_METADATA,
  MESSAGE_METADATA,
  PORT_METADATA,
  type InstanceWrapper,
  type Module,
} from '../internals/nest-internals.js';
import { assertName } from '../options/handler-options.js';
import {
  WEBWIRE_EMITS,
  WEBWIRE_GATEWAY,
  WEBWIRE_HANDLES,
  type EmittedSignal,
  type GatewayBrand,
  type HandlesMetadata,
} from '../decorators/metadata.js';
import { translateOptions } from '../options/foreign-options.js';
import { checkGatewayOptions, type WebwireGatewayOptions } from '../options/gateway-options.js';

/** One kind and name of messages that a method handles. A method that handles several has several definitions. */
export interface HandlerDefinition extends HandlesMetadata {
  readonly methodName: string;
  /** `true` for a method with `@SubscribeMessage()`, which Nest itself registers and logs. */
  readonly isPlain: boolean;
  /**
   * The method of the class, which carries the metadata of enhancers. An instance may have a property in place of it (bound in
   * the constructor, or a spy), which has no metadata: its guards would be lost.
   */
  readonly callback: (...args: unknown[]) => unknown;
}

/** A gateway as its decorators describe it. */
export interface GatewayDefinition {
  /** Name in configuration, among the nodes of a cluster and in logs: the option `name`, else the name of the class. */
  readonly name: string;
  readonly wrapper: InstanceWrapper;
  readonly module: Module;
  /** Port in the decorator; 0 means the HTTP server of the application. */
  readonly port: number;
  readonly options: WebwireGatewayOptions;
  /** Descriptions of ignored options of other adapters, for the log. */
  readonly ignoredOptions: readonly string[];
  /** The namespace that Nest passes to the adapter; `undefined` for a plain `@WebSocketGateway()`. */
  readonly namespace: symbol | undefined;
  readonly handlers: readonly HandlerDefinition[];
  /** The signals that `@WebwireEmits()` declares. */
  readonly emits: readonly EmittedSignal[];
  /** Properties decorated with `@WebSocketServer()`. */
  readonly serverProperties: readonly string[];
}

/**
 * Finds the gateways of an application: the providers that Nest itself treats as gateways. It reads the metadata of their
 * classes, so their instances may not exist yet.
 *
 * @throws InvalidOptionError for a bad option in a decorator.
 * @throws TypeError for a handler whose name no message can have.
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
    emits: (Reflect.getMetadata(WEBWIRE_EMITS, metatype) ?? []) as EmittedSignal[],
    serverProperties: exploreServerProperties(prototype),
  };
}

/** The options without the namespace, which `@WebwireGateway()` adds for Nest. */
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

/** A plain `@SubscribeMessage()` handles both requests and signals. */
function plainHandles(handler: string, name: unknown): HandlesMetadata[] {
  if (typeof name !== 'string') throw new TypeError(`@SubscribeMessage() of ${handler} needs a string as its name`);
  assertName('message', name, handler);
  return (['request', 'signal'] as const).map((kind) => ({ kind, target: { name }, codec: undefined }));
}

/** `@WebSocketServer()` declares its property on the prototype, with the value `null`. */
function exploreServerProperties(prototype: object): string[] {
  const properties: string[] = [];
  for (const property in prototype) {
    if (Reflect.getMetadata(GATEWAY_SERVER_METADATA, prototype, property) !== undefined) properties.push(property);
  }
  return properties;
}
