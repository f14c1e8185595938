import { computed, DestroyRef, effect, inject, signal, type Signal } from '@angular/core';
import type { ClientSnapshot, ServerSignalName, SignalPayload } from 'nestjs-webwire/client';
import { client } from '../client';
import { showItems, showReply, type Latest } from '../latest';
import type { StocksApi } from '../stocks-api';

// These functions are called where `inject()` works, such as in the fields of a component or a service.

/** Status, session and error of the client. */
export function injectConnection(): Signal<ClientSnapshot> {
  const snapshot = signal(client.getSnapshot());
  inject(DestroyRef).onDestroy(client.subscribe(() => snapshot.set(client.getSnapshot())));
  return snapshot.asReadonly();
}

/** Calls a handler for the server's signals with a name. */
export function onServerSignal<Name extends ServerSignalName<StocksApi>>(
  name: Name,
  handler: (payload: SignalPayload<StocksApi, Name>) => unknown,
): void {
  inject(DestroyRef).onDestroy(client.onSignal(name, handler));
}

/** The reply to a request, which is sent again when a signal that it reads has changed. */
export function injectReply<Data>(send: (signal: AbortSignal) => Promise<Data>): Signal<Latest<Data>> {
  const latest = signal<Latest<Data>>({});
  effect((onCleanup) => onCleanup(showReply(send, (next) => latest.set(next))));
  return latest.asReadonly();
}

/** The last item of a stream, which is opened again on the next connection and when a signal that it reads has changed. */
export function injectStream<Data>(open: (signal: AbortSignal) => AsyncIterable<Data>): Signal<Latest<Data>> {
  const latest = signal<Latest<Data>>({});
  const connection = injectConnection();
  const isConnected = computed(() => connection().status === 'connected');
  effect((onCleanup) => {
    if (isConnected()) onCleanup(showItems(open, (next) => latest.set(next)));
  });
  return latest.asReadonly();
}
