import type { ApplicationConfig } from '@nestjs/core';
import type { EntryDetails, HandlerEntry } from '../../contract/entries.js';
import type { PayloadCodec } from '../../protocol/payload-codec.js';
import type { AnyDescription, DescribedType } from '../options/handler-description.js';

/** On a class that is decorated with `@WebwireGateway()`: its `GatewayBrand`. */
export const WEBWIRE_GATEWAY = 'webwire:gateway';

/** Shared by all gateways that have the same decorator, because subclasses inherit it. */
export interface GatewayBrand {
  /** Nest passes this to the adapter when it asks for a server. */
  readonly namespace: symbol;
  /** The applications that have such a gateway and a WebwireAdapter. */
  readonly applications: Set<WeakRef<ApplicationConfig>>;
}

/** On a prototype: names of the methods with `@WebwireRequest()`, `@WebwireSignal()` or `@WebwireStream()`. */
export const WEBWIRE_METHODS = 'webwire:methods';

/** On a method: a list of `HandlesMetadata`, one for each decorator. */
export const WEBWIRE_HANDLES = 'webwire:handles';

/**
 * Name of the method that carries the handshake guards of a gateway as metadata, and is the handler in their context. It never
 * runs. The colon keeps the name from colliding with methods of the application.
 */
export const HANDSHAKE_METHOD = 'webwire:handshake';

/** The messages that a decorated method handles. */
export interface HandlesMetadata {
  /** A stream is opened by a request. */
  readonly kind: 'request' | 'signal' | 'stream';
  /** Messages of this name, or all that no other handler handles. */
  readonly target: { readonly name: string } | 'fallback';
  readonly codec: PayloadCodec | undefined;
  /** Texts and types for documents, of a method that takes a name. */
  readonly description?: AnyDescription;
  /** The entry of a contract that the method takes; `undefined` for a method that takes a name. */
  readonly entry?: HandlerEntry;
}

/** On a gateway: a list of `EmittedSignal`, one for each `@WebwireEmits()`. Subclasses inherit it. */
export const WEBWIRE_EMITS = 'webwire:emits';

/** A signal that a gateway sends to its clients, for documents. */
export interface EmittedSignal extends EntryDetails {
  readonly name: string;
  readonly body: DescribedType | null;
}
