import { describe, expect, it } from 'vitest';
import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { CARRIAGES } from './carriages.js';
import { start } from './contract-app.js';

describe.each(CARRIAGES)('the end of a connection over $name', (carriage) => {
  it.each([
    [1000, ''],
    [1001, 'gone'],
    [4999, 'ї'.repeat(61)],
  ])('comes when the client closes it with %i %j', async (code, reason) => {
    const { gateway, connect } = await start(carriage);
    const client = await connect();
    expect(await client.close(code, reason)).toEqual({ code, reason });
    expect(await gateway.disconnects.take()).toBe('client-close');
    expect(gateway.server.connections.size).toBe(0);
  });

  it('comes when the client closes it without a code', async () => {
    const { gateway, connect } = await start(carriage);
    expect(await (await connect()).close()).toEqual({ code: 1005, reason: '' });
    expect(await gateway.disconnects.take()).toBe('client-close');
  });

  it('comes after all earlier messages of the client', async () => {
    const { gateway, connect } = await start(carriage);
    const client = await connect();
    for (let i = 0; i < 100; i++) client.signal('note', String(i));
    void client.close(1000);
    expect(await gateway.disconnects.take()).toBe('client-close');
    expect(gateway.notes.rest).toHaveLength(100);
  });

  it('is noticed when the client is lost, by its handlers too', async () => {
    const { gateway, connect } = await start(carriage);
    const client = await connect();
    client.request('wait', 'for nobody');
    await gateway.started.take();
    client.terminate();
    expect(await gateway.disconnects.take()).toBe('connection-lost');
    expect(await client.closed).toMatchObject({ code: 1006 });
    const [connection] = gateway.connections;
    expect(connection!.isActive).toBe(false);
    expect(connection!.signal('too', 'late')).toBe(false);
    gateway.open('for nobody');
  });

  it('waits for running handlers when the application closes it', async () => {
    const { gateway, connect } = await start(carriage);
    const client = await connect();
    client.request('wait', 'running');
    await gateway.started.take();
    const [connection] = gateway.connections;
    await connection!.close();
    client.signal('note', 'not received any more');
    expect(connection!.signal('still', 'open')).toBe(true);
    gateway.open('running');
    expect(await client.nextInShort()).toBe('signal still utf8 open');
    expect(await client.nextInShort()).toBe('utf8 running');
    expect(await client.closed).toEqual({ code: 1000, reason: '' });
    expect(await gateway.disconnects.take()).toBe('server-close');
    expect(gateway.notes.rest).toEqual([]);
  });

  it.each([
    [
      { code: 4401, reason: 'token expired' },
      { code: 4401, reason: 'token expired' },
    ],
    [
      { code: 4999, reason: 'ї'.repeat(61) },
      { code: 4999, reason: 'ї'.repeat(61) },
    ],
    [{ code: 4000 }, { code: 4000, reason: '' }],
    [{ reason: 'bye' }, { code: 1000, reason: 'bye' }],
  ])('has the code and the reason that the application gives: %o', async (options, closing) => {
    const { gateway, connect } = await start(carriage);
    const client = await connect();
    client.request('wait', 'running');
    await gateway.started.take();
    const [connection] = gateway.connections;
    await connection!.close(options);
    await connection!.close({ code: 4001, reason: 'too late' });
    gateway.open('running');
    expect(await client.nextInShort()).toBe('utf8 running');
    expect(await client.closed).toEqual(closing);
    expect(await gateway.disconnects.take()).toBe('server-close');
  });

  it('resolves close() of the application, after all sent messages', async () => {
    const { gateway, connect } = await start(carriage);
    const client = await connect();
    const [connection] = gateway.connections;
    for (let i = 0; i < 100; i++) connection!.signal('last words', String(i));
    await connection!.close();
    expect(connection!.signal('too', 'late')).toBe(false);
    for (let i = 0; i < 100; i++) expect(await client.nextInShort()).toBe(`signal last words utf8 ${i}`);
    expect(await client.closed).toEqual({ code: 1000, reason: '' });
  });

  it('comes for all when the server shuts down: running requests are answered, new ones are refused', async () => {
    const { gateway, connect } = await start(carriage);
    const [busy, idle] = [await connect(), await connect()];
    busy.request('wait', 'running');
    await gateway.started.take();
    const shutdown = gateway.server.shutdown();
    idle.signal('note', 'dropped');
    const late = busy.request('echo', 'late');
    expect(await busy.next()).toMatchObject({ type: MessageType.ReplyShutdown, id: late });
    idle.sendBytes(encodeMessage({ type: MessageType.RequestCloseSession, id: new Uint8Array(8) }));
    expect(await idle.nextInShort()).toBe('shutdown');
    await expect(connect()).rejects.toMatchObject({ status: 503, message: 'server shutting down' });
    gateway.open('running');
    expect(await busy.nextInShort()).toBe('utf8 running');
    const closing = { code: 1001, reason: 'server shutting down after all replies' };
    expect(await Promise.all([busy.closed, idle.closed])).toEqual([closing, closing]);
    await shutdown;
    expect(gateway.disconnects.rest).toEqual(['shutdown', 'shutdown']);
    expect(gateway.notes.rest).toEqual([]);
  });

  it('comes for clients that the application leaves when it is closed', async () => {
    const { app, connect } = await start(carriage);
    const client = await connect();
    await app.close();
    expect(await client.closed).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
    });
  });

  it('comes for a silent client, but not for one that sends heartbeats', async () => {
    const { gateway, connect } = await start(carriage, { readTimeout: 240 });
    const [silent, alive] = [await connect(), await connect()];
    const heartbeats = setInterval(() => alive.sendBytes(encodeMessage({ type: MessageType.Heartbeat })), 20);
    try {
      expect(await silent.closed).toEqual({ code: 1001, reason: 'read timeout' });
      expect(await gateway.disconnects.take()).toBe('read-timeout');
      expect(await alive.ask('echo', 'alive')).toBe('utf8 alive');
    } finally {
      clearInterval(heartbeats);
    }
  });
});
