/** Tests that do not run on Bun, for one reason. */
export interface LeftOut {
  readonly reason: string;
  /** Files of which all tests are left out, or parts of them: a file and the start of the full names of tests. */
  readonly tests: readonly (string | readonly [file: string, ...names: string[]])[];
}

/**
 * All tests of the rooms which `bunRow()` runs that are left out. `docs/compatibility.md` has what these limits mean
 * for applications.
 */
export const LEFT_OUT_ON_BUN: readonly LeftOut[] = [
  {
    reason: 'Bun: node:test runs only under the test runner of Bun',
    tests: ['test/e2e/recorded-frames.spec.ts'],
  },
  {
    reason:
      'Bun: the package ws is replaced by one of Bun, without access to the upgrade, to the TCP socket and to reasons of TLS errors',
    tests: [
      [
        'test/server/admission.spec.ts',
        ...['in its header', 'in a later frame', 'as text', 'beyond any number'].map(
          (place) => `a message that is too large > is refused as soon as its length is announced: ${place}`,
        ),
      ],
      [
        'test/server/concurrency.spec.ts',
        'the limit of handlers at once > can be set for',
        'the limit of handlers at once > handles thousands',
        'a message that waits > is dropped when',
        'a message that waits > is answered, in order, when the server shuts down',
        'a connection at its limit > is read again as soon as',
        'a connection at its limit > sends that it is busy also if',
      ],
      [
        'test/server/flow.spec.ts',
        'a client that asked for extensions, at its limit > is read on after it asked while it was not read',
      ],
      ['test/server/liveness.spec.ts', 'a client stays connected by > single bytes of one message'],
      [
        'test/server/connection.spec.ts',
        ...['frame with reserved bits', 'frame without mask'].map(
          (name) => `a violation > (${name}) ends its connection`,
        ),
      ],
      [
        'test/transport/web-socket-protocols.spec.ts',
        'over WebSockets, a client > that offers sub-protocols',
        'over WebSockets, a client > else gets',
        'over WebSockets, a client > gets the sub-protocol of its gateway',
        'over WebSockets, a client > shows its chosen',
        'over compressed WebSockets, a client > that offers sub-protocols',
        'over compressed WebSockets, a client > else gets',
        'over compressed WebSockets, a client > gets the sub-protocol of its gateway',
        'over compressed WebSockets, a client > shows its chosen',
      ],
      ['test/e2e/tls-sample.spec.ts', 'is rejected by a client that trusts another authority'],
    ],
  },
  {
    reason: 'Bun: the socket of a request does not show how much of a large write the peer has taken',
    tests: ['test/transport/slow-peers.spec.ts'],
  },
  {
    reason: 'Bun: a request that follows another one on its connection, and offers an upgrade, gets no response',
    tests: [
      [
        'test/transport/other-listeners.spec.ts',
        'an upgrade without a taker > does not keep the application from closing when it waits for a response',
        'an upgrade that follows a request on its connection is answered after it',
      ],
    ],
  },
  {
    reason:
      'Bun: requests that follow an offer of another protocol in the same packet are lost if it has `upgrade` listeners',
    tests: [
      [
        'test/transport/other-protocols.spec.ts',
        ...['Express', 'Fastify'].map(
          (http) => `on ${http}, a request that offers > a protocol is answered although a listener of the application`,
        ),
      ],
    ],
  },
  {
    reason:
      'Bun: an upgrade to another protocol looks touched by each other listener, so it is answered after handshakeTimeout',
    tests: [
      [
        'test/transport/other-protocols.spec.ts',
        ...['Express', 'Fastify'].flatMap((http) =>
          ['h2c', 'H2C , HTTP/2.0', 'TLS/1.0'].map(
            (protocol) => `on ${http}, a request that offers > ${protocol} is then answered at once`,
          ),
        ),
      ],
    ],
  },
  {
    reason: 'Bun: connections whose TLS handshake has not finished are not visible to the application',
    tests: [
      [
        'test/transport/tls.spec.ts',
        ...['the HTTP server of the application', 'a port of its own'].flatMap((place) => [
          `TLS on ${place} > clients that do not become secure are gone`,
          `TLS on ${place} > a client that says nothing does`,
          `TLS on ${place} > a client that sends half of what opens a handshake does`,
          `TLS on ${place} > a client that opens a handshake and stops there does`,
        ]),
      ],
      [
        'test/transport/unix-sockets.spec.ts',
        'an application on a Unix domain socket (TLS) > closes although clients have sent nothing',
        'an application on a Unix domain socket (TLS) > answers the requests of others while it closes',
        'an application on a Unix domain socket (TLS) > leaves the clients of another one',
      ],
    ],
  },
  {
    reason: 'Bun: the socket of a request over TLS has neither the certificate of the client nor the version of TLS',
    tests: [
      [
        'test/transport/tls.spec.ts',
        'TLS on the HTTP server of the application > clients may have to send certificates',
        'TLS on a port of its own > clients may have to send certificates',
      ],
    ],
  },
  {
    reason: 'Bun: its TLS client cannot offer TLS 1.0 and 1.1',
    tests: [
      [
        'test/e2e/tls-sample.spec.ts',
        ...['greeter', 'admin'].flatMap((gateway) =>
          ['TLSv1', 'TLSv1.1'].map((version) => `on the port of the ${gateway} > ${version} is refused by the server`),
        ),
      ],
    ],
  },
  {
    reason: 'Bun: async_hooks do not count promises, timers and callbacks, and sockets merge their writes',
    tests: [
      [
        'test/server/cost.spec.ts',
        'a payload is not copied > when it is large and leaves',
        'a message that is answered at once > makes no promise',
        'a message whose handler returns a promise > takes few promises',
        'the tracing channels > take no promise',
        'text and JSON > make nothing more than bytes do',
        'a stream sends the items of one grant',
      ],
    ],
  },
  {
    reason: 'Bun: encodes text faster into an array of its own, so the pool is for Node.js only',
    tests: [['test/server/cost.spec.ts', 'text and JSON > of many messages share memory']],
  },
  {
    reason: 'Bun: its HTTP server has a timer of its own, which is counted',
    tests: [['test/server/liveness.spec.ts', 'one timer watches all connections, and none when there are none']],
  },
];

/** Returns the reason why a test is left out; `undefined` if it runs. */
export function reasonToLeaveOut(file: string, name: string): string | undefined {
  return LEFT_OUT_ON_BUN.find(({ tests }) => tests.some((test) => isIn(test, file, name)))?.reason;
}

function isIn(tests: LeftOut['tests'][number], file: string, name: string): boolean {
  if (typeof tests === 'string') return file === tests;
  const [path, ...names] = tests;
  return file === path && names.some((start) => name.startsWith(start));
}
