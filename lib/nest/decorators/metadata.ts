import type { PayloadCodec } from '../../protocol/payload-codec.js';

/** Marks a class as decorated with `@WebwireGateway()`. */
export const WEBWIRE_GATEWAY = 'webwire:gateway';

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
