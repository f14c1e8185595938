import { WebwireClient } from 'nestjs-webwire/client';
import { expect, it, vi } from 'vitest';
import { createSSRApp, h } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { client } from '../client';
import { useConnection, useReply, useSignal, useStream } from './use-webwire';

// The client of the page has a URL for browsers, and connects at once.
vi.mock('../client', async () => {
  const { WebSocket } = await import('ws');
  return { client: new WebwireClient('ws://localhost/stocks', { webSocket: WebSocket }) };
});

it('the composables for Vue render on a server, and leave the client alone', async () => {
  const calls = [vi.spyOn(client, 'subscribe'), vi.spyOn(client, 'onSignal'), vi.spyOn(client, 'connect')];
  const send = vi.fn<() => Promise<unknown>>();
  const open = vi.fn<() => AsyncIterable<unknown>>();
  const app = createSSRApp({
    setup() {
      const connection = useConnection();
      const reply = useReply(send);
      const tick = useStream(open);
      useSignal('news', () => undefined);
      return () => h('p', [connection.value.status, ' ', String(reply.value.data), ' ', String(tick.value.data)]);
    },
  });
  expect(await renderToString(app)).toBe('<p>disconnected undefined undefined</p>');
  for (const call of [...calls, send, open]) expect(call).not.toHaveBeenCalled();
});
