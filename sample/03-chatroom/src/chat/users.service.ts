import { Injectable } from '@nestjs/common';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Person } from '../../api/chat-api.js';
import { DEMO_ACCOUNTS } from '../../api/demo-accounts.js';

/** For the sample only: store your accounts in a database, with a slow hash and a salt for passwords. */
@Injectable()
export class UsersService {
  readonly #accounts = new Map(
    DEMO_ACCOUNTS.map(({ id, name, password }) => [
      id as string,
      { person: { id, name }, passwordHash: hash(password) },
    ]),
  );

  /** Returns the person with this name and password, if there is one. */
  verify(name: string, password: string): Person | undefined {
    const account = this.#accounts.get(name.toLowerCase());
    // The comparison takes the same time for unknown names, so that the time does not reveal which names exist.
    const isRight = timingSafeEqual(hash(password), account?.passwordHash ?? hash(''));
    return isRight ? account?.person : undefined;
  }

  find(id: unknown): Person | undefined {
    return typeof id === 'string' ? this.#accounts.get(id)?.person : undefined;
  }
}

function hash(password: string): Buffer {
  return createHash('sha256').update(password).digest();
}
