import { expect, it } from 'vitest';
import { runProgram } from '../support/program.js';

/** A test of `node:test`, of which no part shows to a library that a test has failed. */
const TEST = `
  import { Test } from '@nestjs/testing';
  import { WebwireGateway, WebwireModule, WebwireRequest } from 'nestjs-webwire';
  import { createTestClient } from 'nestjs-webwire/testing';
  import { test } from 'node:test';

  @WebwireGateway()
  class GreetingGateway {
    @WebwireRequest('greet')
    greet() {
      return 'Hello!';
    }
  }

  test('greets', async () => {
    const module = await Test.createTestingModule({
      imports: [WebwireModule.forRoot({ sessions: false })],
      providers: [GreetingGateway],
    }).compile();
    const app = await module.createNestApplication({ logger: false }).init();
    process.env.WEBWIRE_TRACE = '1';
    const client = createTestClient(app);
    for (let count = 0; count < 2; count++) {
      await client.connect();
      await client.request('greet');
      await client.disconnect();
    }
    delete process.env.WEBWIRE_TRACE;
    const silent = createTestClient(app, { recordFrames: true });
    await silent.connect();
    await app.close();
  });
`;

it('WEBWIRE_TRACE=1 prints the record of each connection at its end if the test runner is not known', async () => {
  const { errors, code } = await runProgram(TEST);
  expect(code).toBe(0);
  const connection = (count: number) => [
    'WebWire messages of a connection:',
    '0 ms   connecting to ws://localhost/',
    '0 ms   connected',
    '0 ms ← AcceptConf 2.0, readTimeout 60000 ms, messageBufferSize 8192 bytes',
    `0 ms → Request #${count} "greet"`,
    `0 ms ← Reply #${count} "greet": "Hello!" (utf8, 6 bytes)`,
    '0 ms → close 1000',
    '0 ms ← closed 1000',
  ];
  expect(
    errors
      .replaceAll(/^ *\d+ ms/gm, '0 ms')
      .trimEnd()
      .split('\n'),
  ).toEqual([...connection(1), ...connection(2)]);
});
