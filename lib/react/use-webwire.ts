import { useEffect, useSyncExternalStore } from 'react';
import type { ClientSnapshot, WebwireClient } from '../client/index.js';

/** Options of `useWebwire()`. */
export interface UseWebwireOptions {
  /**
   * Connects when the component is mounted, and tries until there is a connection.
   * @default true
   */
  connect?: boolean | undefined;
}

/** On the server and while the page is hydrated, a client counts as not connected. */
const SERVER_SNAPSHOT: ClientSnapshot = Object.freeze({ status: 'disconnected', session: null, error: undefined });

const getServerSnapshot = () => SERVER_SNAPSHOT;

/**
 * Connects a client when the component is mounted, and renders the component again when the status, the session or the error of the
 * client changes. The connection stays when the component is unmounted, because others may use the client: end it with
 * `client.disconnect()`.
 *
 * @param client Made outside of the component, or kept by `useState()` or `useMemo()`.
 * @returns What `client.getSnapshot()` returns.
 * @example const { status, session, error } = useWebwire(client);
 */
export function useWebwire(
  client: Pick<WebwireClient, 'subscribe' | 'getSnapshot' | 'connect'>,
  { connect = true }: UseWebwireOptions = {},
): ClientSnapshot {
  useEffect(() => {
    // The error is in the snapshot.
    if (connect) client.connect({ retry: true }).catch(() => undefined);
  }, [client, connect]);
  return useSyncExternalStore(client.subscribe, client.getSnapshot, getServerSnapshot);
}
