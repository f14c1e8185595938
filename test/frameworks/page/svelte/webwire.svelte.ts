import { createSubscriber } from 'svelte/reactivity';
import { client } from '../client';
import { showItems, showReply, type Latest } from '../latest';

const subscribe = createSubscriber((update) => client.subscribe(update));

/** Status, session and error of the client. */
export const connection = {
  get current() {
    subscribe();
    return client.getSnapshot();
  },
};

/** The reply to a request, which is sent again when a value that it depends on has changed. */
export function reply<Data>(send: (signal: AbortSignal) => Promise<Data>): { readonly current: Latest<Data> } {
  let latest = $state.raw<Latest<Data>>({});
  $effect(() => showReply(send, (next) => (latest = next)));
  return {
    get current() {
      return latest;
    },
  };
}

/** The last item of a stream, which is opened again on the next connection and when a value that it depends on has changed. */
export function stream<Data>(open: (signal: AbortSignal) => AsyncIterable<Data>): { readonly current: Latest<Data> } {
  let latest = $state.raw<Latest<Data>>({});
  const isConnected = $derived(connection.current.status === 'connected');
  $effect(() => (isConnected ? showItems(open, (next) => (latest = next)) : undefined));
  return {
    get current() {
      return latest;
    },
  };
}
