import type { ReplyType, RequestType, SignalType, StatusReplyType } from './message-type.js';
import type { PayloadEncoding } from './payload.js';
import * as MessageType from './type-bytes.js';

/** A failure that the handler of a request reports to the client. */
export interface ReplyErrorMessage {
  type: typeof MessageType.ReplyError;
  /** The identifier of the request, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
  /** 1 to 255 ASCII characters, each 32–126. */
  code: string;
  /** For people to read; may be empty. */
  message: string;
}

/** A reply without content: server shutdown, internal error, or the failure of a session request. */
export interface StatusReplyMessage {
  type: StatusReplyType;
  /** The identifier of the request, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
}

/** Notifies a client that the server created a session for its connection. */
export interface SessionCreatedMessage {
  type: typeof MessageType.SessionCreated;
  /** The session as JSON in UTF-8 (docs/PROTOCOL.md, section 6). The codec does not check it. */
  session: Uint8Array<ArrayBuffer>;
}

/** Notifies a client that the server closed the session of its connection. */
export interface SessionClosedMessage {
  type: typeof MessageType.SessionClosed;
}

/** The first message of every connection: the settings of the server (docs/PROTOCOL.md, section 4). */
export interface AcceptConfMessage {
  type: typeof MessageType.AcceptConf;
  /** 0 to 255. */
  majorVersion: number;
  /** 0 to 255. */
  minorVersion: number;
  /** The server closes the connection after so much silence, in milliseconds. */
  readTimeout: number;
  /** Longest message that either side accepts, in bytes. */
  messageBufferSize: number;
  /** Empty if the server has none. */
  subProtocolName: string;
}

/** Asks the server to close the session of this connection. */
export interface CloseSessionMessage {
  type: typeof MessageType.RequestCloseSession;
  /** Chosen by the client, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
}

/** Asks the server to attach an existing session to this connection. */
export interface RestoreSessionMessage {
  type: typeof MessageType.RequestRestoreSession;
  /** Chosen by the client, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
  /** At least one ASCII character, each 32–126. */
  sessionKey: string;
}

/** Keeps an idle connection open. It has no reply. */
export interface HeartbeatMessage {
  type: typeof MessageType.Heartbeat;
}

/** A message without a reply, which both sides may send. */
export interface SignalMessage {
  type: SignalType;
  /** Up to 255 ASCII characters, each 32–126; empty for a nameless signal. */
  name: string;
  /** In the encoding of the type; may be empty if there is a name. */
  payload: Uint8Array<ArrayBuffer>;
}

/** A message to which the server replies exactly once. */
export interface RequestMessage {
  type: RequestType;
  /** Chosen by the client, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
  /** Up to 255 ASCII characters, each 32–126; empty for a nameless request. */
  name: string;
  /** In the encoding of the type; may be empty if there is a name. */
  payload: Uint8Array<ArrayBuffer>;
}

/** The successful reply to a request. */
export interface ReplyMessage {
  type: ReplyType;
  /** The identifier of the request, 8 bytes. */
  id: Uint8Array<ArrayBuffer>;
  /** In the encoding of the type; may be empty. */
  payload: Uint8Array<ArrayBuffer>;
}

/** Any message that a client sends. */
export type ClientMessage =
  RequestMessage | SignalMessage | HeartbeatMessage | CloseSessionMessage | RestoreSessionMessage;

/** Any message that a server sends. */
export type ServerMessage =
  | ReplyMessage
  | ReplyErrorMessage
  | StatusReplyMessage
  | SignalMessage
  | SessionCreatedMessage
  | SessionClosedMessage
  | AcceptConfMessage;

/** Any message of the protocol, a union discriminated by `type` (docs/PROTOCOL.md, section 2). */
export type ProtocolMessage = ClientMessage | ServerMessage;

type EmptyByDefault = 'name' | 'payload' | 'message' | 'subProtocolName';

/** The memory of received bytes is an `ArrayBuffer`; bytes to encode may have any memory. */
type AnyBytes<Message> = { [Field in keyof Message]: Message[Field] extends Uint8Array ? Uint8Array : Message[Field] };

/** A message in which fields that may be empty are optional. */
export type EmptyOptional<Message> = AnyBytes<Omit<Message, EmptyByDefault>> &
  Partial<AnyBytes<Pick<Message, Extract<keyof Message, EmptyByDefault>>>>;

type EachEmptyOptional<Message> = Message extends ProtocolMessage ? EmptyOptional<Message> : never;

/** The input of the encoder. `name`, `payload`, `message` and `subProtocolName` are optional, and empty by default. */
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

/** The encoding of the payload of messages of this type. */
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
