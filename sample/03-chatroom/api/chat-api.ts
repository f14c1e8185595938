/** What the server, the page in the browser and the terminal client agree on. */

/** Longest text of a message, in UTF-16 code units. */
export const MAX_TEXT_LENGTH = 1_000;

/** How many messages a page of the history has at most. */
export const PAGE_SIZE = 30;

/** Where the server takes WebWire connections. */
export const CHAT_PATH = '/chat';

/** Somebody with an account. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

export interface Credentials {
  /** Upper and lower case are the same. */
  readonly name: string;
  readonly password: string;
}

/** A message that is to be sent. */
export interface Draft {
  /**
   * A UUID of the sender's choice. Sending a draft again, because nobody knows whether it arrived, does not show it twice.
   */
  readonly nonce: string;
  /** 1 to `MAX_TEXT_LENGTH` code units, once blanks around it and control characters are removed. */
  readonly text: string;
}

/** A message that was sent. */
export interface ChatMessage extends Draft {
  /** Grows from message to message, also across restarts of the server. */
  readonly id: number;
  readonly sender: Person;
  /** Milliseconds since 1970, by the server's clock. */
  readonly sentAt: number;
}

/** Consecutive messages, oldest first. */
export interface Page {
  readonly messages: readonly ChatMessage[];
  /** Whether the server has earlier ones. */
  readonly hasEarlier: boolean;
}

/** What somebody gets who enters the room. */
export interface Entry {
  readonly me: Person;
  readonly people: readonly Person[];
  /** The newest messages. */
  readonly page: Page;
}

/** Bodies are JSON. */
export interface ChatApi {
  requests: {
    /** Creates a session. Fails with `WRONG_CREDENTIALS` or `TOO_MANY_ATTEMPTS`. */
    signIn: [Credentials, Person];
    /** Closes the session on all connections that have it: all tabs of a browser. */
    signOut: [void, void];
    /** To be called on each connection, as a session outlives connections: from then on it gets what happens. */
    enter: [void, Entry];
    /** The messages before one. */
    history: [{ readonly before: number }, Page];
    /** Fails with `SLOW_DOWN` if somebody sends very many. */
    say: [Draft, ChatMessage];
  };
  signals: {
    typing: void;
  };
  serverSignals: {
    message: ChatMessage;
    /** Who is there now, each once, in whatever many tabs. */
    people: readonly Person[];
    /** Somebody else is. */
    typing: Person;
  };
}

export type RequestName = keyof ChatApi['requests'];
export type RequestBody<Name extends RequestName> = ChatApi['requests'][Name][0];
export type Reply<Name extends RequestName> = ChatApi['requests'][Name][1];
export type ServerSignals = ChatApi['serverSignals'];
