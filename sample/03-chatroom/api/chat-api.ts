/** Types and constants that the server, the page in the browser and the terminal client share. */

/** Longest text of a message, in UTF-16 code units. */
export const MAX_TEXT_LENGTH = 1_000;

/** Maximum number of messages in a page of the history. */
export const PAGE_SIZE = 30;

/** Path of the WebWire server. */
export const CHAT_PATH = '/chat';

/** A person with an account. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

export interface Credentials {
  /** Case-insensitive. */
  readonly name: string;
  readonly password: string;
}

/** A message before it is sent. */
export interface Draft {
  /**
   * A UUID, chosen by the sender. A draft is sent again if it may be lost; the nonce prevents that it appears twice.
   */
  readonly nonce: string;
  /** 1 to `MAX_TEXT_LENGTH` code units, without blanks at start and end and without control characters. */
  readonly text: string;
}

/** A message that was sent. */
export interface ChatMessage extends Draft {
  /** Increases from message to message, also after a restart of the server. */
  readonly id: number;
  readonly sender: Person;
  /** Milliseconds since 1970, according to the server's clock. */
  readonly sentAt: number;
}

/** Consecutive messages, oldest first. */
export interface Page {
  readonly messages: readonly ChatMessage[];
  /** `true` if the server has earlier messages. */
  readonly hasEarlier: boolean;
}

/** The reply to `enter`. */
export interface Entry {
  readonly me: Person;
  readonly people: readonly Person[];
  /** The newest messages. */
  readonly page: Page;
}

/** The contract of the chat room. Bodies are JSON. */
export interface ChatApi {
  requests: {
    /** Creates a session. Fails with `WRONG_CREDENTIALS` or `TOO_MANY_ATTEMPTS`. */
    signIn: [Credentials, Person];
    /** Closes the session on all its connections, which means in all tabs of a browser. */
    signOut: [void, void];
    /** Makes the connection receive the signals of the room. Clients call it on each new connection. */
    enter: [void, Entry];
    /** Returns the messages before a message. */
    history: [{ readonly before: number }, Page];
    /** Fails with `SLOW_DOWN` if a person sends too many messages. */
    say: [Draft, ChatMessage];
  };
  signals: {
    typing: void;
  };
  serverSignals: {
    message: ChatMessage;
    /** The people in the room, without duplicates for several tabs. */
    people: readonly Person[];
    /** Another person is typing. */
    typing: Person;
  };
}

export type RequestName = keyof ChatApi['requests'];
export type RequestBody<Name extends RequestName> = ChatApi['requests'][Name][0];
export type Reply<Name extends RequestName> = ChatApi['requests'][Name][1];
export type ServerSignals = ChatApi['serverSignals'];
