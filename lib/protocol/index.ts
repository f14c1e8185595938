export { decodeMessage } from './decode.js';
export { encodeMessage, encodeMessageInto } from './encode.js';
export {
  DEFAULT_MESSAGE_BUFFER_SIZE,
  DEFAULT_READ_TIMEOUT,
  IDENTIFIER_LENGTH,
  MAX_ERROR_CODE_LENGTH,
  MAX_NAME_LENGTH,
  MAX_TEXT_FIELD_LENGTH,
  MAX_UINT32,
  MIN_MESSAGE_BUFFER_SIZE,
  PROTOCOL_MAJOR_VERSION,
  PROTOCOL_MINOR_VERSION,
} from './limits.js';
export { encodedLength } from './measure.js';
export {
  MessageType,
  type ReplyType,
  type RequestType,
  type SignalType,
  type StatusReplyType,
} from './message-type.js';
export {
  encodingOf,
  replyType,
  requestType,
  signalType,
  type AcceptConfMessage,
  type ClientMessage,
  type CloseSessionMessage,
  type EncodableMessage,
  type HeartbeatMessage,
  type ProtocolMessage,
  type ReplyErrorMessage,
  type ReplyMessage,
  type RequestMessage,
  type RestoreSessionMessage,
  type ServerMessage,
  type SessionClosedMessage,
  type SessionCreatedMessage,
  type SignalMessage,
  type StatusReplyMessage,
} from './messages.js';
export { Payload, type PayloadEncoding } from './payload.js';
export { ProtocolError, type ProtocolErrorCloseCode, type ProtocolErrorCode } from './protocol-error.js';
