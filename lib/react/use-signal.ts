import { useEffect } from 'react';
import type { AnyContract, Contract, ServerSignalName, SignalPayload, WebwireClient } from '../client/index.js';
import { useLatest } from './use-latest.js';

/**
 * Calls a handler for the server's signals with a name while the component is mounted, always the handler of the last render: it need
 * not be wrapped in `useCallback()`. An error of the handler is the event `error` of the client.
 *
 * @example useSignal(client, 'message', ({ body }) => setMessages((messages) => [...messages, body]));
 */
export function useSignal<
  Api extends Contract = AnyContract,
  Name extends ServerSignalName<Api> = ServerSignalName<Api>,
>(client: WebwireClient<Api>, name: Name, handler: (payload: SignalPayload<Api, Name>) => unknown): void {
  const latest = useLatest(handler);
  useEffect(() => client.onSignal(name, (payload) => latest.current(payload)), [client, name, latest]);
}
