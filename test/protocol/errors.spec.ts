import { expect, it } from 'vitest';
import * as client from 'nestjs-webwire/client';
import * as server from 'nestjs-webwire';

it.each([
  ['RequestError', client.RequestError, server.RequestError],
  ['BufferOverflowError', client.BufferOverflowError, server.BufferOverflowError],
  ['InvalidOptionError', client.InvalidOptionError, server.InvalidOptionError],
  ['ProtocolError', client.ProtocolError, server.ProtocolError],
  ['Payload', client.Payload, server.Payload],
])('%s is one class for servers and clients', (_name, ofClient, ofServer) => {
  expect(ofClient).toBe(ofServer);
});

it('an overflow names the option that raises the limit', () => {
  expect(new server.BufferOverflowError(9, 8).message).toBe(
    "a message of 9 bytes does not fit the message buffer of 8 bytes; send less, or raise the server's option messageBufferSize",
  );
});
