import type { ChatMessage, Person } from '../api/chat-api.js';

/** State of the connection. */
export type ConnectionState =
  | { readonly status: 'connecting' | 'connected' }
  /** `nextAttemptAt` in ms since 1970. */
  | { readonly status: 'reconnecting'; readonly nextAttemptAt: number };

/** A notice for people. */
export type Notice =
  /** The session of an earlier run of this program was restored. */
  | 'restored'
  /** The connection was lost, and is restored together with the session. */
  | 'reconnected'
  /** The session was closed by another tab or device, or by the server. */
  | 'signed-out-elsewhere'
  /** The session no longer exists. */
  | 'session-gone'
  /** The person is signed in, but `enter` failed. */
  | 'failed';

/** The user interface. */
export interface ChatListener {
  /** A property of the client has changed. */
  changed(): void;
  notice(notice: Notice): void;
  /** There are new messages, also those that were sent while the connection was lost. */
  said?(messages: readonly ChatMessage[]): void;
  typing?(person: Person): void;
}
