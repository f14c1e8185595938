import type { ReplyType, RequestType, SignalType, StatusReplyType } from './message-type.js';
import type { PayloadEncoding } from './payload.js';
import * as MessageType from './type-bytes.js';

/** A failure that the handler of a request chose to report. */
export interface ReplyErrorMessage {
  type: typeof MessageType.ReplyError;
  /** The identifier of the request, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
  /** 1 to 255 ASCII characters, each 32–126. */
  code: string;
  /** For people to read; may be empty. */
  message: string;
}

/** An answer that needs no content: shutting down, internal error, and the failures of session requests. */
export interface StatusReplyMessage {
  type: StatusReplyType;
  /** The identifier of the request, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
}

/** Tells a client that its connection got a new session. */
export interface SessionCreatedMessage {
  type: typeof MessageType.SessionCreated;
  /** The session as JSON in UTF-8, not checked (PROTOCOL.md, section 6). */
  session: Uint8Array<ArrayBuffer>;
}

/** Tells a client that the server closed the session of its connection. */
export interface SessionClosedMessage {
  type: typeof MessageType.SessionClosed;
}

/** The first message of every connection: what the server expects of its client (PROTOCOL.md, section 4). */
export interface AcceptConfMessage {
  type: typeof MessageType.AcceptConf;
  /** 0 to 255. */
  majorVersion: number;
  /** 0 to 255. */
  minorVersion: number;
  /** Silence after which the server closes the connection, in milliseconds. */
  readTimeout: number;
  /** Longest message that either side takes, in bytes. */
  messageBufferSize: number;
  /** Empty where there is none. */
  subProtocolName: string;
}

/** Asks the server to close the session of this connection. */
export interface CloseSessionMessage {
  type: typeof MessageType.RequestCloseSession;
  /** Chosen by the client, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
}

/** Asks the server to give this connection an existing session. */
export interface RestoreSessionMessage {
  type: typeof MessageType.RequestRestoreSession;
  /** Chosen by the client, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
  /** At least one ASCII character, each 32–126. */
  sessionKey: string;
}

/** A sign of life; never answered. */
export interface HeartbeatMessage {
  type: typeof MessageType.Heartbeat;
}

/** A message that is not answered; both sides send it. */
export interface SignalMessage {
  type: SignalType;
  /** Up to 255 ASCII characters, each 32–126; empty for a nameless signal. */
  name: string;
  /** Encoded as the type says; may be empty where there is a name. */
  payload: Uint8Array<ArrayBuffer>;
}

/** A message that the server answers exactly once. */
export interface RequestMessage {
  type: RequestType;
  /** Chosen by the client, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
  /** Up to 255 ASCII characters, each 32–126; empty for a nameless request. */
  name: string;
  /** Encoded as the type says; may be empty where there is a name. */
  payload: Uint8Array<ArrayBuffer>;
}

/** The successful answer to a request. */
export interface ReplyMessage {
  type: ReplyType;
  /** The identifier of the request, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
  /** Encoded as the type says; may be empty. */
  payload: Uint8Array<ArrayBuffer>;
}

/** What a client sends. */
export type ClientMessage =
  RequestMessage | SignalMessage | HeartbeatMessage | CloseSessionMessage | RestoreSessionMessage;

/** What a server sends. */
export type ServerMessage =
  | ReplyMessage
  | ReplyErrorMessage
  | StatusReplyMessage
  | SignalMessage
  | SessionCreatedMessage
  | SessionClosedMessage
  | AcceptConfMessage;

/** Any message of the protocol, told apart by `type` (PROTOCOL.md, section 2). */
export type ProtocolMessage = ClientMessage | ServerMessage;

type EmptyByDefault = 'name' | 'payload' | 'message' | 'subProtocolName';

/** Received bytes are an `ArrayBuffer`'s; bytes to encode may be any. */
type AnyBytes<Message> = { [Field in keyof Message]: Message[Field] extends Uint8Array ? Uint8Array : Message[Field] };

/** A message shape whose fields may be left out where they may be empty. */
export type EmptyOptional<Message> = AnyBytes<Omit<Message, EmptyByDefault>> &
  Partial<AnyBytes<Pick<Message, Extract<keyof Message, EmptyByDefault>>>>;

type EachEmptyOptional<Message> = Message extends ProtocolMessage ? EmptyOptional<Message> : never;

/** A message as the encoder takes it: `name`, `payload`, `message` and `subProtocolName` are empty when left out. */
export type EncodableMessage = EachEmptyOptional<ProtocolMessage>;

const REQUEST_TYPES: Readonly<Record<PayloadEncoding, RequestType>> = {
  binary: MessageType.RequestBinary,
  utf8: MessageType.RequestUtf8,
  utf16: MessageType.RequestUtf16,
};

const REPLY_TYPES: Readonly<Record<PayloadEncoding, ReplyType>> = {
  binary: MessageType.ReplyBinary,
  utf8: MessageType.ReplyUtf8,
  utf16: MessageType.ReplyUtf16,
};

const SIGNAL_TYPES: Readonly<Record<PayloadEncoding, SignalType>> = {
  binary: MessageType.SignalBinary,
  utf8: MessageType.SignalUtf8,
  utf16: MessageType.SignalUtf16,
};

/** The type of a request whose payload has this encoding. */
export function requestType(encoding: PayloadEncoding): RequestType {
  return REQUEST_TYPES[encoding];
}

/** The type of a reply whose payload has this encoding. */
export function replyType(encoding: PayloadEncoding): ReplyType {
  return REPLY_TYPES[encoding];
}

/** The type of a signal whose payload has this encoding. */
export function signalType(encoding: PayloadEncoding): SignalType {
  return SIGNAL_TYPES[encoding];
}

/** The encoding that a type gives its payload. */
export function encodingOf(type: RequestType | ReplyType | SignalType): PayloadEncoding {
  switch (type) {
    case MessageType.RequestBinary:
    case MessageType.ReplyBinary:
    case MessageType.SignalBinary:
      return 'binary';
    case MessageType.RequestUtf8:
    case MessageType.ReplyUtf8:
    case MessageType.SignalUtf8:
      return 'utf8';
    case MessageType.RequestUtf16:
    case MessageType.ReplyUtf16:
    case MessageType.SignalUtf16:
      return 'utf16';
    default:
      return type satisfies never;
  }
}
