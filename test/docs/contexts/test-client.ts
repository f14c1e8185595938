// docs/testing.md
import { Module } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireConnection, WebwireGateway, WebwireModule, WebwireRequest } from 'nestjs-webwire';
import { deepEqual, rejects } from 'node:assert/strict';

/** The parts of a test runner that the page uses. */
let passed: Promise<void>;
const it = (name: string, test: () => Promise<void>) => (passed = test().then(() => console.log('passed:', name)));
const expect = (value: unknown) => ({
  toEqual: (expected: unknown) => deepEqual(value, expected),
  rejects: { toMatchObject: (expected: object) => rejects(value as Promise<unknown>, expected) },
});

@WebwireGateway()
class AuthGateway {
  @WebwireRequest('auth')
  async auth(@MessageBody() credentials: string, @ConnectedSocket() connection: WebwireConnection) {
    if (credentials !== 'ada:lovelace') throw new RequestError('WRONG_CREDENTIALS');
    await connection.createSession({ user: 'ada' });
  }
}

@Module({ imports: [WebwireModule.forRoot()], providers: [AuthGateway] })
class AppModule {}

// block 1

await passed!;

// Prints:
// passed: signs in with the password
