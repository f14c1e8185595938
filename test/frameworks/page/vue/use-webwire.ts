import type { ClientSnapshot, ServerSignalName, SignalPayload } from 'nestjs-webwire/client';
import { computed, shallowRef, watchPostEffect, type ShallowRef } from 'vue';
import { client } from '../client';
import { showItems, showReply, type Latest } from '../latest';
import type { StocksApi } from '../stocks-api';

/** Status, session and error of the client. */
export function useConnection(): Readonly<ShallowRef<ClientSnapshot>> {
  const snapshot = shallowRef(client.getSnapshot());
  watchPostEffect((onCleanup) => {
    const update = () => {
      snapshot.value = client.getSnapshot();
    };
    onCleanup(client.subscribe(update));
    update();
  });
  return snapshot;
}

/** Calls a handler for the server's signals with a name. */
export function useSignal<Name extends ServerSignalName<StocksApi>>(
  name: Name,
  handler: (payload: SignalPayload<StocksApi, Name>) => unknown,
): void {
  watchPostEffect((onCleanup) => onCleanup(client.onSignal(name, handler)));
}

/** The reply to a request, which is sent again when a value that it depends on has changed. */
export function useReply<Data>(send: (signal: AbortSignal) => Promise<Data>): Readonly<ShallowRef<Latest<Data>>> {
  const latest = shallowRef<Latest<Data>>({});
  watchPostEffect((onCleanup) => onCleanup(showReply(send, (next) => (latest.value = next))));
  return latest;
}

/** The last item of a stream, which is opened again on the next connection and when a value that it depends on has changed. */
export function useStream<Data>(
  open: (signal: AbortSignal) => AsyncIterable<Data>,
): Readonly<ShallowRef<Latest<Data>>> {
  const latest = shallowRef<Latest<Data>>({});
  const connection = useConnection();
  const isConnected = computed(() => connection.value.status === 'connected');
  watchPostEffect((onCleanup) => {
    if (isConnected.value) onCleanup(showItems(open, (next) => (latest.value = next)));
  });
  return latest;
}
