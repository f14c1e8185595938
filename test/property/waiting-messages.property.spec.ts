import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeMessage, MessageType } from '../../lib/protocol/index.js';
import { ConnectionLifetime } from '../../lib/server/connection-lifetime.js';
import { RequestsByKey } from '../../lib/server/extensions/requests-by-key.js';
import { readIncoming } from '../../lib/server/incoming.js';
import { Message } from '../../lib/server/message.js';
import { WaitingMessages, type Work } from '../../lib/server/waiting-messages.js';

const MAX_LENGTH = 32_768;
const LIFETIME = new ConnectionLifetime();
const RUNS = { numRuns: process.env.CI ? 2_000 : 200 };

function read(bytes: Uint8Array): Work {
  return readIncoming(bytes, 0, bytes.length, MAX_LENGTH, LIFETIME) as Work;
}

function request(identifier: number, payload: Uint8Array = Buffer.from('x')): Message {
  const id = Buffer.alloc(8);
  id.writeUInt32LE(identifier);
  return read(encodeMessage({ type: MessageType.RequestBinary, id, name: 'name', payload })) as Message;
}

function signal(): Work {
  return read(encodeMessage({ type: MessageType.SignalBinary, name: 'name', payload: Buffer.from('x') }));
}

function closeSession(): Work {
  return read(encodeMessage({ type: MessageType.RequestCloseSession, id: Buffer.alloc(8) }));
}

/** Few identifiers, so that several requests have the same one. */
const IDENTIFIER = fc.integer({ min: 0, max: 5 });

it('messages that wait leave in order, and the last request with an identifier can be taken', () => {
  type Step = readonly ['add', Work] | readonly ['shift'] | readonly ['take', number];
  const step = fc.oneof(
    { weight: 4, arbitrary: IDENTIFIER.map((identifier): Step => ['add', request(identifier)]) },
    fc.constantFrom(signal, closeSession).map((make): Step => ['add', make()]),
    { weight: 2, arbitrary: fc.constant<Step>(['shift']) },
    { weight: 2, arbitrary: IDENTIFIER.map((identifier): Step => ['take', identifier]) },
  );
  const steps = fc.array(step, { maxLength: 300, size: 'max' });
  fc.assert(
    fc.property(steps, (all) => {
      const waiting = new WaitingMessages(MAX_LENGTH);
      const model: Work[] = [];
      const empty = waiting.size;
      for (const [name, argument] of all) {
        if (name === 'add') {
          waiting.add(argument);
          model.push(argument);
        } else if (name === 'take') {
          const index = model.findLastIndex(
            (work) => work instanceof Message && work.isRequest && work.key === argument,
          );
          const expected = index < 0 ? undefined : model.splice(index, 1)[0];
          assert.equal(waiting.takeRequest(argument), expected);
        } else if (model.length > 0) {
          assert.equal(waiting.shift(), model.shift());
        }
        assert.equal(waiting.first, model[0]);
        assert.equal(waiting.areMany, model.length >= 64);
      }
      assert.deepEqual(waiting.all, model);
      while (model.length > 0) assert.equal(waiting.shift(), model.shift());
      assert.equal(waiting.size, empty);
    }),
    RUNS,
  );
});

it('requests are found by their identifiers, the last one first', () => {
  const steps = fc.array(fc.record({ identifier: IDENTIFIER, index: fc.nat(), isAdded: fc.boolean() }), {
    maxLength: 500,
    size: 'max',
  });
  fc.assert(
    fc.property(steps, (all) => {
      const requests = new RequestsByKey();
      const model: Message[] = [];
      for (const { identifier, index, isAdded } of all) {
        if (isAdded || model.length === 0) {
          const message = request(identifier);
          requests.add(message);
          model.push(message);
        } else {
          const [removed] = model.splice(index % model.length, 1) as [Message];
          requests.remove(removed);
          requests.remove(removed);
        }
        assert.equal(
          requests.last(identifier),
          model.findLast(({ key }) => key === identifier),
        );
      }
    }),
    RUNS,
  );
});

it('short messages that wait do not keep all data in memory that was received with them', () => {
  const waiting = new WaitingMessages(1_024);
  const messages = Array.from({ length: 60 }, (_, number) => {
    // A short message at the start of a long read.
    const received = Buffer.alloc(65_536);
    const bytes = encodeMessage({
      type: MessageType.RequestBinary,
      id: Buffer.alloc(8, number),
      name: 'name',
      payload: Buffer.from([number]),
    });
    received.set(bytes);
    return readIncoming(received, 0, bytes.length, MAX_LENGTH, LIFETIME) as Message;
  });
  for (const message of messages) waiting.add(message);
  const kept = new Set(messages.map(({ buffer }) => buffer));
  expect([...kept].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(2 * 16 * 1_024);
  expect(messages.map(({ payload }) => payload.bytes[0])).toEqual(messages.map((_, number) => number));
});
