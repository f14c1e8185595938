import { encodeMessage, MessageType, Payload } from 'nestjs-webwire/protocol';
import { describe, expect, it } from 'vitest';
import { CARRIAGES } from './carriages.js';
import { start } from './contract-app.js';
import type { ContractClient } from './contract-client.js';

/** Signs in. Returns the key, which the client receives before the reply. */
async function signIn(client: ContractClient): Promise<string> {
  client.request('sign in', 'Ada');
  const created = await client.next();
  if (created.type !== MessageType.SessionCreated) throw new Error(`message of type ${created.type}`);
  expect(await client.nextInShort()).toBe('binary');
  const { k, i } = new Payload('utf8', created.session).json<{ k: string; i: object }>();
  expect(i).toEqual({ user: 'Ada' });
  return k;
}

describe.each(CARRIAGES)('a session over $name', (carriage) => {
  it('is created, survives its connection, and is restored on another', async () => {
    const { gateway, connect } = await start(carriage);
    const first = await connect();
    const key = await signIn(first);
    first.terminate();
    await gateway.disconnects.take();
    const second = await connect();
    expect(await second.ask('whoami')).toBe('utf8 nobody');
    const reply = await second.restore(key);
    if (reply.type !== MessageType.ReplyUtf8) throw new Error(`message of type ${reply.type}`);
    expect(new Payload('utf8', reply.payload).json()).toMatchObject({ k: key, i: { user: 'Ada' } });
    expect(await second.ask('whoami')).toBe('utf8 Ada');
  });

  it('is closed by the client, once and for all', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    const key = await signIn(client);
    client.sendBytes(encodeMessage({ type: MessageType.RequestCloseSession, id: new Uint8Array(8) }));
    expect(await client.nextInShort()).toBe('binary');
    expect(await client.ask('whoami')).toBe('utf8 nobody');
    expect(await client.restore(key)).toMatchObject({ type: MessageType.ReplySessionNotFound });
  });

  it('is closed by the server, and SessionClosed precedes the reply', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    await signIn(client);
    client.request('sign out');
    expect((await client.next()).type).toBe(MessageType.SessionClosed);
    expect(await client.nextInShort()).toBe('binary');
    expect(await client.ask('whoami')).toBe('utf8 nobody');
  });

  it('is refused where it does not exist, where it has enough connections, and where there are none', async () => {
    const { connect } = await start(carriage, { sessions: { maxConnections: 1 } });
    const [first, second] = [await connect(), await connect()];
    const key = await signIn(first);
    expect(await second.restore('nothing')).toMatchObject({ type: MessageType.ReplySessionNotFound });
    expect(await second.restore(key)).toMatchObject({ type: MessageType.ReplyMaxSessionConnectionsReached });
    const without = await start(carriage, { sessions: false });
    const client = await without.connect();
    expect(await client.restore(key)).toMatchObject({ type: MessageType.ReplySessionsDisabled });
    expect(await client.ask('sign in', 'Ada')).toBe('internal error');
  });
});
