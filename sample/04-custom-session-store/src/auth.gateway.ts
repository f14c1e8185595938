import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireGateway, WebwireRequest, type WebwireConnection } from 'nestjs-webwire';

/** For the sample only: yours are in the database too, with hashed passwords. */
const USERS = new Map([
  ['ada:engine', 'Ada'],
  ['grace:compiler', 'Grace'],
]);

@WebwireGateway()
export class AuthGateway {
  /** Creates a session: the client gets its key, and can restore it on other connections. */
  @WebwireRequest('auth')
  async auth(@MessageBody() credentials: string, @ConnectedSocket() connection: WebwireConnection) {
    if (connection.session) throw new RequestError('SIGNED_IN', 'Log out first');
    const user = USERS.get(credentials);
    if (user === undefined) throw new RequestError('WRONG_CREDENTIALS', 'Incorrect name or password, try again');
    await connection.createSession({ user });
  }

  /** Restoring a session needs no handler: afterwards it is just there. */
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
