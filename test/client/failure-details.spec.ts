import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import * as forBrowsers from '../../lib/client/failure-details.browser.js';
import * as details from '../../lib/client/failure-details.js';

it('bundles for browsers have the same functions', () => {
  expect(Object.keys(forBrowsers).sort()).toEqual(Object.keys(details).sort());
});

it('a client in a bundle for browsers reports failures of other WebSockets without details', async () => {
  vi.resetModules();
  vi.doMock('../../lib/client/failure-details.js', () => forBrowsers);
  onTestFinished(() => {
    vi.doUnmock('../../lib/client/failure-details.js');
    vi.resetModules();
  });
  const { WebwireClient } = await import('nestjs-webwire/client');
  const server = createServer().on('upgrade', (_request, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const client = new WebwireClient(`ws://127.0.0.1:${port}`, { webSocket: WebSocket });
  await expect(client.connect()).rejects.toMatchObject({
    code: 'DISCONNECTED',
    status: undefined,
    message: expect.stringMatching(/: "Unexpected server response: 401"$/),
  });
  await client.close();
});
