import type { ApplicationConfig } from '@nestjs/core';
import type { PayloadCodec } from '../../protocol/payload-codec.js';

/** On a class that is decorated with `@WebwireGateway()`: its `GatewayBrand`. */
export const WEBWIRE_GATEWAY = 'webwire:gateway';

/** What is known of all gateways that have one decorator, their own or an inherited one. */
export interface GatewayBrand {
  /** Nest asks the adapter for a server with this. */
  readonly namespace: symbol;
  /** The applications that have it, and a WebwireAdapter. */
  readonly applications: Set<WeakRef<ApplicationConfig>>;
}

/** On a prototype: names of the methods that WebWire's decorators stand on. */
export const WEBWIRE_METHODS = 'webwire:methods';

/** On a method: what it handles, one entry for each decorator. */
export const WEBWIRE_HANDLES = 'webwire:handles';

/**
 * Name of the method that carries the handshake guards of a gateway, as their metadata, and stands for its handshake in
 * their context. It never runs. Nobody has a method of this name by accident.
 */
export const HANDSHAKE_METHOD = 'webwire:handshake';

/** What a decorated method handles. */
export interface HandlesMetadata {
  readonly kind: 'request' | 'signal';
  /** Messages of this name, or all that no other handler takes. */
  readonly target: { readonly name: string } | 'fallback';
  readonly codec: PayloadCodec | undefined;
}
