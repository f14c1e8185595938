import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireStream } from 'nestjs-webwire';
import { defineContract } from 'nestjs-webwire/contract';
import { from, Observable, range } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { failure, startApp } from './contract-app.js';

const Tick = z.object({ n: z.number().transform((n) => n * 10) });
const Late = z.object({ n: z.number() }).refine(async () => Promise.resolve(true));

const contract = defineContract({
  streams: {
    ticks: { body: z.number().default(3), item: Tick },
    observed: { item: Tick },
    late: { body: z.number(), item: Late },
    lateObserved: { body: z.number(), item: Late },
    empty: {},
  },
});

let made = 0;

@WebwireGateway()
class Gateway {
  @WebwireStream(contract.streams.ticks) async *ticks(@MessageBody() count: number): AsyncGenerator<{ n: number }> {
    for (let n = 0; n < count; n++) yield n === 5 ? ({ n: 'secret' } as never) : ({ n, more: true } as { n: number });
  }
  @WebwireStream(contract.streams.observed) observed() {
    return from([{ n: 1 }, { n: 2 }]);
  }
  @WebwireStream(contract.streams.late) async *late(@MessageBody() count: number): AsyncGenerator<{ n: number }> {
    for (made = 0; made < count; made++) yield count === 20 && made === 13 ? ({ n: 'secret' } as never) : { n: made };
  }
  @WebwireStream(contract.streams.lateObserved) lateObserved(@MessageBody() count: number): Observable<{ n: number }> {
    return new Observable((subscriber) =>
      range(0, count).subscribe({ next: (n) => subscriber.next({ n }), complete: () => subscriber.complete() }),
    );
  }
  @WebwireStream(contract.streams.empty) async *empty(): AsyncGenerator<void> {
    yield 'anything' as never;
  }
}

async function start() {
  const { app, connect } = await startApp([Gateway]);
  const client = await connect({ contract, validate: false });
  const read = async (items: AsyncIterable<{ body: unknown }>, seen: unknown[] = []) => {
    for await (const { body } of items) seen.push(body);
    return seen;
  };
  return { client, read, logger: app.logger };
}

describe('a stream of a contract', () => {
  it('has validated items, and a validated body', async () => {
    const { client, read } = await start();
    expect(await read(client.stream('ticks'))).toEqual([{ n: 0 }, { n: 10 }, { n: 20 }]);
    expect(await failure(read(client.stream('ticks', 'x' as never)))).toMatch(/^BAD_REQUEST: Invalid input/);
  });

  it('ends with an internal error at an item that does not fit, which is logged without values', async () => {
    const { client, read, logger } = await start();
    const seen: unknown[] = [];
    expect(await failure(read(client.stream('ticks', 9), seen))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    expect(seen).toHaveLength(5);
    const line = await logger.logged('error', 'An item of Gateway.ticks does not fit the contract: issues at "n"');
    expect(line).not.toContain('secret');
  });

  it('may be an Observable', async () => {
    const { client, read } = await start();
    expect(await read(client.stream('observed'))).toEqual([{ n: 10 }, { n: 20 }]);
  });

  it('has empty items where the contract has none', async () => {
    const { client, read } = await start();
    expect(await read(client.stream('empty'))).toEqual([undefined]);
  });

  it('keeps the order of items with an asynchronous schema, and ends after the last one', async () => {
    const { client, read } = await start();
    expect(await read(client.stream('late', 10))).toEqual(Array.from({ length: 10 }, (_, n) => ({ n })));
    expect(await read(client.stream('lateObserved', 10))).toEqual(Array.from({ length: 10 }, (_, n) => ({ n })));
  });

  it('makes no items ahead of an asynchronous schema', async () => {
    const { client } = await start();
    for await (const { body } of client.stream('late', 1_000)) {
      if (body.n === 2) break;
    }
    expect(made).toBeLessThan(200);
  });

  it('ends with an internal error where an asynchronous schema does not accept an item', async () => {
    const { client, read } = await start();
    const seen: unknown[] = [];
    expect(await failure(read(client.stream('late', 20), seen))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    expect(seen).toHaveLength(13);
  });

  it('ends if an Observable has more items than can be validated', async () => {
    const { client, read } = await start();
    expect(await failure(read(client.stream('lateObserved', 100)))).toMatch(/^STREAM_OVERFLOW/);
  });
});
