import { Payload } from 'nestjs-webwire';
import { describe, expect, it } from 'vitest';
import { CARRIAGES } from './carriages.js';
import { start } from './contract-app.js';

/** The identifiers of the first and second request of a client. */
const FIRST = '0100000000000000';
const SECOND = '0200000000000000';

const NOTHING = Payload.binary(new Uint8Array());

async function next(client: { nextBytes(): Promise<Uint8Array> }): Promise<string> {
  return Buffer.from(await client.nextBytes()).toString('hex');
}

describe.each(CARRIAGES)('extensions over $name', (carriage) => {
  it('are negotiated', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    client.sendBytes(
      '80 0000000000000000 0e 7777723a657874656e73696f6e73 7b22657874656e73696f6e73223a5b2270696e67225d7d',
    );
    const answer = Buffer.from('{"extensions":["ping"],"streamWindow":64}').toString('hex');
    expect(await next(client)).toBe(`c00000000000000000${answer}`);
  });

  it('have pings, which the server answers', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    await client.extend('ping');
    client.sendBytes('7f 0900000000000000 08 7777723a70696e67');
    expect(await next(client)).toBe('bf0900000000000000');
  });

  it('have streams, whose items precede the reply', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    await client.extend('stream');
    client.request('count', '2');
    const item = `4019${Buffer.from(`wwr:item:${FIRST}`).toString('hex')}`;
    expect(await next(client)).toBe(`${item}30`);
    expect(await next(client)).toBe(`${item}31`);
    expect(await next(client)).toBe(`bf${FIRST}`);
  });

  it('have streams that wait for grants', async () => {
    const { connect, gateway } = await start(carriage);
    const client = await connect();
    await client.extend('stream');
    client.request('count', '100');
    for (let n = 0; n < 64; n++) expect(await client.nextInShort()).toBe(`signal wwr:item:${FIRST} utf8 ${n}`);
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    expect(gateway.made).toBe(64);
    client.sendBytes(`40 19 ${Buffer.from(`wwr:more:${FIRST}`).toString('hex')} 3337`);
    for (let n = 64; n < 100; n++) expect(await client.nextInShort()).toBe(`signal wwr:item:${FIRST} utf8 ${n}`);
    expect(await client.nextInShort()).toBe('binary');
    await gateway.stopped.take();
  });

  it('have streams that wait while the client does not read', async () => {
    const [streams, items] = [40, 63];
    const { connect, gateway } = await start(carriage, { maxBufferedAmount: 65_536 });
    const client = await connect();
    await client.extend('stream');
    client.pause();
    for (let n = 0; n < streams; n++) client.request('large items', String(items));
    const other = await connect();
    let made = -1;
    // The sources go on until the buffers of the system are full.
    while (made !== gateway.made) {
      made = gateway.made;
      for (let n = 0; n < 20; n++) expect(await other.ask('echo', 'x')).toBe('utf8 x');
    }
    expect(made).toBeLessThan(streams * items);
    client.resume();
    for (let n = 0; n < streams * (items + 1); n++) await client.nextBytes();
    expect(gateway.made).toBe(streams * items);
    expect(client.rest).toBe(0);
  });

  it('have streams that fail', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    await client.extend('stream');
    expect(await client.ask('break', 'BROKEN')).toBe(`signal wwr:item:${FIRST} utf8 one`);
    expect(await client.nextInShort()).toBe('error BROKEN: broken');
    expect(await client.ask('break')).toBe(`signal wwr:item:${SECOND} utf8 one`);
    expect(await client.nextInShort()).toBe('internal error');
  });

  it('have streams that can be canceled', async () => {
    const { connect, gateway } = await start(carriage);
    const client = await connect();
    await client.extend('stream', 'cancel');
    client.request('count', '1000');
    for (let n = 0; n < 64; n++) await client.next();
    client.sendBytes(`3f 1b ${Buffer.from(`wwr:cancel:${FIRST}`).toString('hex')}`);
    expect(await client.nextInShort()).toMatch(/^error CANCELED: /);
    await gateway.stopped.take();
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('have streams that stop when the connection is lost', async () => {
    const { connect, gateway } = await start(carriage);
    const client = await connect();
    await client.extend('stream');
    client.request('count', '1000');
    await client.next();
    client.terminate();
    await gateway.stopped.take();
  });

  it('have requests that can be canceled', async () => {
    const { connect, gateway } = await start(carriage);
    const client = await connect();
    await client.extend('cancel');
    client.request('watch');
    const abortSignal = await gateway.watched.take();
    expect(abortSignal.aborted).toBe(false);
    client.signal(`wwr:cancel:${FIRST}`, NOTHING);
    expect(await client.nextInShort()).toMatch(/^error CANCELED: /);
    expect(abortSignal.aborted).toBe(true);
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('have trace contexts, each for the next message', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    await client.extend('trace');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const context = Buffer.from(`${traceparent}\na=1`).toString('hex');
    client.sendBytes(`40 1a 7777723a74726163653a 30313030303030303030303030303030 ${context}`);
    expect(await client.ask('trace')).toBe(`utf8 {"traceparent":"${traceparent}","tracestate":"a=1"}`);
    expect(await client.ask('trace')).toBe('utf8 none');
    client.sendBytes(`40 09 7777723a7472616365 ${Buffer.from(traceparent).toString('hex')}`);
    expect(await client.ask('trace')).toBe('utf8 none');
  });

  it('are not there for a client that has not asked', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    expect(await client.ask('wwr:ping', NOTHING)).toMatch(/^error NOT_FOUND: /);
    expect(await client.ask('count', '2')).toMatch(/^error EXTENSION_REQUIRED: /);
    client.signal(`wwr:more:${SECOND}`, '1');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });
});
