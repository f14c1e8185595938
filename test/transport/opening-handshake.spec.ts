import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { answerUpgrade } from '../../lib/transport/ws/upgrade/opening-handshake.js';

function answerTo(protocols: string): string {
  const headers = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': protocols,
  };
  const answer = answerUpgrade({ method: 'GET', headers } as unknown as IncomingMessage);
  return 'status' in answer ? answer.reason : 'accepted';
}

describe('sub-protocols', () => {
  it.each(['a', 'a,b', 'a \t,\tb', 'v1.chat, v2.chat'])('%j are accepted, none is chosen', (protocols) => {
    expect(answerTo(protocols)).toBe('accepted');
  });

  it.each(['', ',', 'a,', 'a,,b', 'a b', 'a, a', 'a,a ', 'a;b', '\u00a0a'])('%j are refused', (protocols) => {
    expect(answerTo(protocols)).toBe('Invalid Sec-WebSocket-Protocol header');
  });

  it('with as much white space as fits into a request cost no time', () => {
    // If the time grew with the square of the length, this would take half a minute.
    for (let count = 0; count < 60; count++) {
      expect(answerTo(`a${' '.repeat(16_000)}b`)).toBe('Invalid Sec-WebSocket-Protocol header');
      expect(answerTo(`a,${' '.repeat(16_000)}`)).toBe('Invalid Sec-WebSocket-Protocol header');
    }
  });
});
