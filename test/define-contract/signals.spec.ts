import { inspect } from 'node:util';
import { Inject } from '@nestjs/common';
import { ConnectedSocket } from '@nestjs/websockets';
import {
  WebwireGateway,
  WebwireRequest,
  WebwireService,
  type PayloadCodec,
  type WebwireConnection,
} from 'nestjs-webwire';
import { ContractError, defineContract, type StandardSchema } from 'nestjs-webwire/contract';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encodeSignal } from '../../lib/server/signal.js';
import { Queue } from '../support/queue.js';
import { startApp } from './contract-app.js';

/** Its rejection must not end the process. */
const Late: StandardSchema<string> = {
  '~standard': { version: 1, vendor: 'test', validate: async () => Promise.reject(new Error('unused')) },
};

const { serverSignals, signals } = defineContract({
  requests: {},
  signals: { typing: {} },
  serverSignals: {
    message: { body: z.object({ text: z.string().trim() }) },
    count: { body: z.number().default(1) },
    empty: {},
    text: { body: z.string() },
    late: { body: Late },
  },
});

/** A codec that tests can tell from JSON. */
const shouting: PayloadCodec = {
  decode: (payload) => payload.text(),
  encode: () => {
    throw new Error('the codec of the module is not used for entries');
  },
};

@WebwireGateway({ codec: shouting })
class Gateway {
  @Inject(WebwireService) readonly webwire!: WebwireService;
  last!: WebwireConnection;

  @WebwireRequest('register') async register(@ConnectedSocket() connection: WebwireConnection) {
    this.last = connection;
    this.webwire.join(connection, 'group');
    await connection.createSession();
  }
}

async function start() {
  const { app, connect } = await startApp([Gateway], { sessions: {} });
  const client = await connect({ sessionStorage: false });
  const arrived = new Queue<string>();
  client.onSignal((payload, name) => arrived.push(`${name} ${payload.encoding} ${payload.text()}`));
  await client.request('register');
  return { gateway: app.get(Gateway), webwire: app.get(WebwireService), arrived };
}

describe('a signal of a contract', () => {
  it('is sent validated and transformed, as JSON, in each way of sending', async () => {
    const { gateway, webwire, arrived } = await start();
    const body = { text: ' hi ', secret: 1 };
    expect(gateway.last.signal(serverSignals.message, body)).toBe(true);
    expect(webwire.broadcast(serverSignals.message, body)).toBe(1);
    expect(webwire.broadcast(serverSignals.message, body, { gateway: Gateway })).toBe(1);
    expect(webwire.signalGroup('group', serverSignals.message, body)).toBe(1);
    expect(webwire.signalSession(gateway.last.session!.key, serverSignals.message, body)).toBe(1);
    for (let count = 0; count < 5; count++) expect(await arrived.take()).toBe('message utf8 {"text":"hi"}');
  });

  it('is JSON, strings included', async () => {
    const { gateway, arrived } = await start();
    gateway.last.signal(serverSignals.text, 'hi');
    expect(await arrived.take()).toBe('text utf8 "hi"');
  });

  it('may have a default body, or none', async () => {
    const { gateway, webwire, arrived } = await start();
    gateway.last.signal(serverSignals.count);
    expect(await arrived.take()).toBe('count utf8 1');
    gateway.last.signal(serverSignals.empty);
    webwire.broadcast(serverSignals.empty, undefined, { except: [] });
    for (let count = 0; count < 2; count++) expect(await arrived.take()).toBe('empty binary ');
  });

  it('with a body that does not fit throws an error with the path, and is sent to nobody', async () => {
    const { gateway, webwire, arrived } = await start();
    const wrong = { text: 5 } as never;
    const message = 'the body of the signal "message" does not fit the contract: issues at "text" (';
    const ways = [
      () => gateway.last.signal(serverSignals.message, wrong),
      () => webwire.broadcast(serverSignals.message, wrong),
      () => webwire.signalGroup('group', serverSignals.message, wrong),
      () => webwire.signalSession('key', serverSignals.message, wrong),
      () => encodeSignal(serverSignals.message, wrong, shouting),
    ];
    for (const way of ways) {
      expect(way).toThrow(ContractError);
      expect(way).toThrow(message);
    }
    gateway.last.signal(serverSignals.text, 'last');
    expect(await arrived.take()).toBe('text utf8 "last"');
  });

  it('that does not fit throws an error whose text does not quote the value, as servers log it', () => {
    const quoting: StandardSchema<string> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => ({ issues: [{ message: `${String(value)} is wrong`, path: ['a'] }] }),
      },
    };
    const { serverSignals: others } = defineContract({ serverSignals: { quoting: { body: quoting } } });
    let thrown: unknown;
    try {
      encodeSignal(others.quoting, 'hunter2', shouting);
    } catch (error) {
      thrown = error;
    }
    expect(inspect(thrown)).not.toContain('hunter2');
    expect((thrown as ContractError).issues).toEqual([{ message: 'hunter2 is wrong', path: ['a'] }]);
  });

  it('with an asynchronous schema throws an error that says so', async () => {
    const { gateway } = await start();
    expect(() => gateway.last.signal(serverSignals.late, 'hi')).toThrow(
      'the body of the signal "late" has an asynchronous schema, but signals are sent at once',
    );
  });

  it('is refused if it is an entry of another kind, or no entry', async () => {
    const { gateway, webwire } = await start();
    expect(() => gateway.last.signal(signals.typing as unknown as string)).toThrow(
      'a server sends an entry of `serverSignals` of a contract, not the signal "typing"',
    );
    expect(() => webwire.broadcast({ name: 'a' } as unknown as string)).toThrow('not an object that is no entry');
  });
});
