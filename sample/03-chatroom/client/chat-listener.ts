import type { ChatMessage, Person } from '../api/chat-api.js';

/** How it stands with the connection. */
export type ConnectionState =
  | { readonly status: 'connecting' | 'connected' }
  /** `nextAttemptAt` in ms since 1970. */
  | { readonly status: 'reconnecting'; readonly nextAttemptAt: number };

/** What people should be told. */
export type Notice =
  /** The session of an earlier run of this program was restored. */
  | 'restored'
  /** The connection was lost; it is back, and the session with it. */
  | 'reconnected'
  /** The session was closed where else it was open, or by the server. */
  | 'signed-out-elsewhere'
  /** The server does not know the session any more. */
  | 'session-gone'
  /** The server did not let anybody in, although they are signed in. */
  | 'failed';

/** Who shows it all. */
export interface ChatListener {
  /** Something that the client shows has changed. */
  changed(): void;
  notice(notice: Notice): void;
  /** Somebody said something just now, or while the connection was lost. */
  said?(messages: readonly ChatMessage[]): void;
  typing?(person: Person): void;
}
