import type { InjectionToken, OptionalFactoryDependency, Type } from '@nestjs/common';
import {
  check,
  checkAll,
  countOrInfinity,
  integerBetween,
  type OptionRule,
  type OptionRules,
} from '../../common/options.js';
import { TIMER_MAX } from '../../common/timeout.js';
import type { SessionKeyGenerator } from '../../session/session-key-generator.js';
import type { SessionManager } from '../../session/session-manager.js';

/** An instance, a class that Nest instantiates, or a provider without its token. */
export type ProviderOf<T> =
  | T
  | Type<T>
  | { useClass: Type<T> }
  | { useExisting: InjectionToken }
  | {
      // eslint-disable-next-line typescript/no-explicit-any -- as in Nest: the types of injected values are the user's
      useFactory: (...dependencies: any[]) => T | Promise<T>;
      inject?: (InjectionToken | OptionalFactoryDependency)[];
    };

/** Options of sessions (docs/PROTOCOL.md, section 6). */
export interface SessionOptions {
  /**
   * Stores sessions. A class can inject what the `imports` of `forRoot()` or `forRootAsync()` export.
   * @default the provider of the token `SessionManager` in a module of the application, else a `FileSessionManager`
   */
  manager?: ProviderOf<SessionManager>;
  /**
   * Makes the keys of new sessions.
   * @default the provider of the token `SessionKeyGenerator` in a module of the application, else a
   *   `RandomSessionKeyGenerator`: 48 random bytes as URL-safe base64
   */
  keyGenerator?: ProviderOf<SessionKeyGenerator>;
  /**
   * Directory of the files of the `FileSessionManager`; not for other managers. It is created if it does not exist. If it
   * cannot be used, the start fails.
   * @default a folder `wwrsess` beside the nearest `package.json` of the program's main script
   */
  directory?: string;
  /**
   * For the `FileSessionManager`: time since the last lookup after which a session expires, in milliseconds.
   * @default Infinity (never)
   */
  maxAge?: number;
  /**
   * Most connections that may have one session at the same time. A client that restores a session beyond that gets a
   * `ReplyMaxSessionConnectionsReached`.
   * @default Infinity
   */
  maxConnections?: number;
  /**
   * Longest time that a call of the session manager, the key generator or the cluster may take, in milliseconds: 1 to
   * 2 147 483 647. A longer call counts as failed: a restore is answered with an internal error, `createSession()` resolves with
   * a session that may not be restorable (logged) or, without a key or the cluster, rejects, and `closeSession()` rejects.
   * @default 10_000
   */
  managerTimeout?: number;
}

const PROVIDED_RULE: OptionRule = {
  allowed: 'an instance, a class, or an object with useClass, useExisting or useFactory',
  accepts: (value) => typeof value === 'function' || (typeof value === 'object' && value !== null),
};

const SESSION_RULES: OptionRules<SessionOptions> = {
  manager: PROVIDED_RULE,
  keyGenerator: PROVIDED_RULE,
  directory: { allowed: 'a path', accepts: (value) => typeof value === 'string' && value !== '' },
  maxAge: countOrInfinity('milliseconds'),
  maxConnections: countOrInfinity('connections'),
  managerTimeout: integerBetween(1, TIMER_MAX, 'milliseconds'),
};

/**
 * Checks the option `sessions`.
 * @returns A plain copy of the given options.
 * @throws InvalidOptionError
 */
export function checkSessionOptions(sessions: SessionOptions | false): SessionOptions | false {
  if (sessions === false) return false;
  const checked = checkAll(sessions, SESSION_RULES, 'sessions.');
  for (const name of ['directory', 'maxAge'] as const) {
    if (checked.manager === undefined) break;
    check(`sessions.${name}`, checked[name], {
      allowed: 'absent where there is a sessions.manager, which gets it itself',
      accepts: (value) => value === undefined,
    });
  }
  return checked;
}
