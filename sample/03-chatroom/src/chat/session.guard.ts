import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { RequestError, type WebwireConnection } from 'nestjs-webwire';
import { UsersService } from './users.service.js';

/** Requires a session, and stores its person in `connection.info`. */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(private readonly users: UsersService) {}

  canActivate(context: ExecutionContext): boolean {
    const connection = context.switchToWs().getClient<WebwireConnection>();
    // The account of an old session may no longer exist.
    const person = this.users.find(connection.session?.info?.user);
    if (!person) throw new RequestError('NOT_SIGNED_IN', 'Sign in first');
    connection.info.person = person;
    return true;
  }
}
