import { useEffect, useMemo, useState } from 'react';
import type { AnyContract, Contract, StreamArguments, StreamItem, StreamName, WebwireClient } from '../client/index.js';
import { followStream, type StreamState } from './follow-stream.js';
import { useLatest } from './use-latest.js';

export type { StreamState } from './follow-stream.js';

/** Options of `useStream()`. */
export interface UseStreamOptions<Item = unknown> {
  /**
   * `false` closes the stream: its status is `'idle'`, without an item.
   * @default true
   */
  enabled?: boolean | undefined;
  /** See `client.stream()`. */
  idleTimeout?: number | undefined;
  /** Called for each item. React may skip items between two renders. If it throws, the stream fails with its error. */
  onItem?: ((item: Item) => unknown) | undefined;
}

const IDLE: StreamState<never> = Object.freeze({ status: 'idle', item: undefined, error: undefined });
const OPENING: StreamState<never> = Object.freeze({ ...IDLE, status: 'opening' });

/**
 * Opens a stream while the component is mounted, and renders the component again for new items. When the connection is lost, the
 * stream is opened again on the next one. It is also opened again when the client, the name or the content of the body changes, so the
 * body may be written into the call.
 *
 * @param body The body of the stream; may be omitted like that of `client.stream()`. Then options.
 * @returns The last item, and the status of the stream.
 * @example const { item, status } = useStream(client, 'ticks', ['ACME']);
 */
export function useStream<Api extends Contract = AnyContract, Name extends StreamName<Api> = StreamName<Api>>(
  client: WebwireClient<Api>,
  name: Name,
  ...[body, options = {}]: StreamArguments<Api, Name, UseStreamOptions<StreamItem<Api, Name>>>
): StreamState<StreamItem<Api, Name>> {
  const { enabled = true, idleTimeout, onItem } = options;
  const key = bodyKey(body);
  const latest = useLatest({ body, onItem });
  // Identifies the stream: the state of another stream is not returned, not even in the first render.
  const stream = useMemo(
    () => ({ client, name, key, enabled, idleTimeout }),
    [client, name, key, enabled, idleTimeout],
  );
  const [current, setCurrent] = useState<{ stream: object; state: StreamState<StreamItem<Api, Name>> }>();
  useEffect(() => {
    if (!stream.enabled) return undefined;
    const abort = new AbortController();
    const { signal } = abort;
    const open = () => {
      const args = [latest.current.body, { signal, idleTimeout: stream.idleTimeout }];
      return stream.client.stream(stream.name, ...(args as unknown as StreamArguments<Api, Name, object>));
    };
    void followStream(stream.client, open, signal, (state) => {
      setCurrent({ stream, state });
      if (state.status === 'open') latest.current.onItem?.(state.item!);
    });
    return () => abort.abort();
  }, [stream, latest]);
  if (current?.stream === stream) return current.state;
  return enabled ? OPENING : IDLE;
}

/**
 * Returns the same text for bodies with the same content. It must not depend on the identity of a body: one that is written into
 * the call is another object in each render, and would open the stream for ever.
 */
function bodyKey(body: unknown): string | undefined {
  try {
    return JSON.stringify(body, withContent);
  } catch {
    // A body with a cycle. Codecs cannot encode it, so the stream fails.
    return 'unreadable';
  }
}

/** Replaces values whose content JSON leaves out or does not allow. Codecs of applications may have them. */
function withContent(_name: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)];
  if (value instanceof ArrayBuffer) return [...new Uint8Array(value)];
  if (value instanceof Map || value instanceof Set) return [...(value as Iterable<unknown>)];
  const isJson = Number.isFinite(value) || !['number', 'bigint', 'symbol', 'function'].includes(typeof value);
  return isJson ? value : String(value);
}
