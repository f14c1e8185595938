import type { Attributes, Histogram, Meter } from '@opentelemetry/api';

// Semantic conventions for RPC, version 1.45.0: https://opentelemetry.io/docs/specs/semconv/rpc/

export const RPC_SYSTEM_NAME = 'rpc.system.name';
export const RPC_METHOD = 'rpc.method';
export const RPC_METHOD_ORIGINAL = 'rpc.method_original';
export const RPC_RESPONSE_STATUS_CODE = 'rpc.response.status_code';
export const ERROR_TYPE = 'error.type';
export const SERVER_ADDRESS = 'server.address';
export const SERVER_PORT = 'server.port';
export const CLIENT_ADDRESS = 'client.address';
export const NETWORK_PEER_ADDRESS = 'network.peer.address';
export const CODE_FUNCTION_NAME = 'code.function.name';

// Attributes of WebWire.
/** `request`, `signal` or `stream`. */
export const MESSAGE_KIND = 'webwire.message.kind';
/** The `id` of the connection. Only in spans. */
export const CONNECTION_ID = 'webwire.connection.id';

export const SYSTEM = 'webwire';
/** The value of an attribute in place of any value that is not one of a few known ones. */
export const OTHER = '_OTHER';

/** The codes of results that have no error code of the application. The classes of the client's errors have the same. */
export const INTERNAL_SERVER_ERROR = 'INTERNAL_SERVER_ERROR';
export const SERVER_SHUTDOWN = 'SERVER_SHUTDOWN';
export const CANCELED = 'CANCELED';
export const DISCONNECTED = 'DISCONNECTED';

export type MessageKind = 'request' | 'signal' | 'stream';
export const MESSAGE_KINDS: readonly MessageKind[] = ['request', 'signal', 'stream'];

/** Bounds of the buckets of a duration, in seconds. */
const CALL_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Makes the instrument for the durations of calls. */
export function callDuration(meter: Meter, side: 'server' | 'client'): Histogram {
  return meter.createHistogram(`rpc.${side}.call.duration`, {
    description: `Measures the duration of an ${side === 'server' ? 'incoming' : 'outgoing'} Remote Procedure Call (RPC).`,
    unit: 's',
    advice: { explicitBucketBoundaries: CALL_BUCKETS },
  });
}

/** The attributes that both spans and metrics of a call have from the start. Messages without a name have no method. */
export function callAttributes(kind: MessageKind, method: string): Attributes {
  return { [RPC_SYSTEM_NAME]: SYSTEM, ...(method !== '' && { [RPC_METHOD]: method }), [MESSAGE_KIND]: kind };
}

export function spanName(method: string): string {
  return method === '' || method === OTHER ? SYSTEM : method;
}
