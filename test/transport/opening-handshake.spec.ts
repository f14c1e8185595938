import { describe, expect, it } from 'vitest';
import { resolveServerOptions } from '../../lib/server/server-options.js';
import { chooseProtocol } from '../../lib/server/web-socket-protocols.js';

const OPTIONS = resolveServerOptions({ subProtocolName: 'own', webSocketProtocols: ['v1', 'v2'] });

function choice(offer: string): string {
  try {
    return chooseProtocol(offer, OPTIONS);
  } catch (error) {
    return (error as Error).message;
  }
}

describe('sub-protocols', () => {
  it.each(['a', 'a,b', 'a \t,\tb', 'V1, Own'])('%j are accepted, none is chosen', (offer) => {
    expect(choice(offer)).toBe('');
  });

  it.each([
    ['a, v2 ,v1', 'v2'],
    ['v1,v2', 'v1'],
    ['v1,\town\t', 'own'],
  ])('of %j the server chooses %s', (offer, chosen) => {
    expect(choice(offer)).toBe(chosen);
  });

  it.each(['', ',', 'a,', 'a,,b', 'a b', 'a, a', 'a,a ', 'a;b', '\u00a0a', 'own, v1, own'])(
    '%j are refused',
    (offer) => {
      expect(choice(offer)).toBe('Invalid Sec-WebSocket-Protocol header');
    },
  );

  it('with as much white space as fits into a request cost no time', () => {
    // If the time grew with the square of the length, this would take half a minute.
    for (let count = 0; count < 60; count++) {
      expect(choice(`a${' '.repeat(16_000)}b`)).toBe('Invalid Sec-WebSocket-Protocol header');
      expect(choice(`a,${' '.repeat(16_000)}`)).toBe('Invalid Sec-WebSocket-Protocol header');
    }
  });
});
