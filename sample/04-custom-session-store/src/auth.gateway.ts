import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireGateway, WebwireRequest, type WebwireConnection } from 'nestjs-webwire';

/** For the sample only: store your accounts in the database, with hashed passwords. */
const USERS = new Map([
  ['ada:engine', 'Ada'],
  ['grace:compiler', 'Grace'],
]);

@WebwireGateway()
export class AuthGateway {
  /** Creates a session. The client receives its key, and can restore the session on other connections. */
  @WebwireRequest('auth')
  async auth(@MessageBody() credentials: string, @ConnectedSocket() connection: WebwireConnection) {
    if (connection.session) throw new RequestError('SIGNED_IN', 'Log out first');
    const user = USERS.get(credentials);
    if (user === undefined) throw new RequestError('WRONG_CREDENTIALS', 'Incorrect name or password, try again');
    await connection.createSession({ user });
  }

  /** The library restores sessions. No handler is needed for that. */
  @WebwireRequest('whoami')
  whoami(@ConnectedSocket() { session }: WebwireConnection) {
    if (!session) throw new RequestError('NOT_SIGNED_IN', 'Sign in first');
    return session.info?.user;
  }

  @WebwireRequest('logout')
  async logout(@ConnectedSocket() connection: WebwireConnection) {
    await connection.closeSession();
  }
}
