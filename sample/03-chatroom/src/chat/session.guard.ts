import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { RequestError, type WebwireConnection } from 'nestjs-webwire';
import { UsersService } from './users.service.js';

/** Lets those through who have a session, and leaves the person it belongs to in the `info` of the connection. */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(private readonly users: UsersService) {}

  canActivate(context: ExecutionContext): boolean {
    const connection = context.switchToWs().getClient<WebwireConnection>();
    // A session may be older than the list of accounts.
    const person = this.users.find(connection.session?.info?.user);
    if (!person) throw new RequestError('NOT_SIGNED_IN', 'Sign in first');
    connection.info.person = person;
    return true;
  }
}
