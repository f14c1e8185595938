/** The contract and the constants that the server, the page in the browser and the terminal client share. */
import { defineContract, type ApiOf } from 'nestjs-webwire/contract';
import * as v from 'valibot';
import { cleanText } from './clean-text.js';

/** Longest text of a message, in UTF-16 code units. */
export const MAX_TEXT_LENGTH = 1_000;

/** Maximum number of messages in a page of the history. */
export const PAGE_SIZE = 30;

/** Path of the WebWire server. */
export const CHAT_PATH = '/chat';

/** Path at which the HTTP server gives tickets: `POST` returns `{ ticket }`, for the query of the URL of the WebWire server. */
export const TICKET_PATH = '/ticket';

/** Close code of a connection whose ticket has expired. Clients reconnect with another ticket. */
export const TICKET_EXPIRED = 4001;

/** A person with an account. */
export type Person = v.InferOutput<typeof Person>;
export const Person = v.object({ id: v.string(), name: v.string() });

export const Credentials = v.object({
  /** Case-insensitive. */
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(40)),
  password: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
});

const draft = {
  /** Chosen by the sender. A draft is sent again if it may be lost; the nonce prevents that it appears twice. */
  nonce: v.pipe(v.string(), v.uuid()),
  /** Without blanks at start and end and without control characters. */
  text: v.pipe(v.string(), v.transform(cleanText), v.minLength(1), v.maxLength(MAX_TEXT_LENGTH)),
};

/** A message before it is sent. */
export type Draft = v.InferOutput<typeof Draft>;
export const Draft = v.object(draft);

/** A message that was sent. */
export type ChatMessage = v.InferOutput<typeof ChatMessage>;
export const ChatMessage = v.object({
  ...draft,
  /** Increases from message to message, also after a restart of the server. */
  id: v.number(),
  sender: Person,
  /** Milliseconds since 1970, according to the server's clock. */
  sentAt: v.number(),
});

/** Consecutive messages, oldest first. */
export type Page = v.InferOutput<typeof Page>;
export const Page = v.object({
  messages: v.array(ChatMessage),
  /** `true` if the server has earlier messages. */
  hasEarlier: v.boolean(),
});

/** The reply to `enter`: `page` has the newest messages. */
export type Entry = v.InferOutput<typeof Entry>;
export const Entry = v.object({ me: Person, people: v.array(Person), page: Page });

/** The contract of the chat room. */
export const chat = defineContract({
  requests: {
    signIn: {
      summary: 'Creates a session',
      body: Credentials,
      reply: Person,
      errors: { WRONG_CREDENTIALS: 'the name or the password is wrong', TOO_MANY_ATTEMPTS: 'wait a minute' },
    },
    signOut: { summary: 'Closes the session on all its connections, which means in all tabs of a browser' },
    enter: {
      summary: 'Makes the connection receive the signals of the room. Clients call it on each new connection',
      reply: Entry,
    },
    history: {
      summary: 'Returns the messages before a message',
      body: v.object({ before: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
      reply: Page,
    },
    say: {
      summary: 'Sends a message to all people in the room',
      body: Draft,
      reply: ChatMessage,
      errors: { SLOW_DOWN: 'a person sends too many messages' },
    },
  },
  signals: { typing: {} },
  serverSignals: {
    message: { body: ChatMessage },
    people: { summary: 'The people in the room, without duplicates for several tabs', body: v.array(Person) },
    typing: { summary: 'Another person is typing', body: Person },
  },
});

/** The types of the contract, for `WebwireClient<ChatApi>`. An interface gives them a name, which editors show. */
export interface ChatApi extends ApiOf<typeof chat> {}
