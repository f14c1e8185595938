import { encodingOf, MessageType, Payload, type ProtocolMessage } from '../protocol/index.js';
import { HIDDEN, isSecretName, type Secrets } from './secrets.js';
import { cutText, escapeControls, inQuotes } from './text.js';

/** Most bytes of a binary payload that are shown. */
const MAX_BYTES = 24;

const TYPE_NAMES = new Map<number, string>(
  Object.entries(MessageType).map(([name, type]) => [type, name.replace(/(?:Binary|Utf8|Utf16)$/, '')]),
);

/** Describes the messages of one client. */
export class MessageDescriber {
  /** Names of the requests that have no reply yet, by identifier. */
  readonly #requests = new Map<string, string>();

  constructor(private readonly secrets: Secrets) {}

  /**
   * Describes a message in one line: its type, the identifier of the request, its name and its content. The content is cut,
   * escaped, and without secrets.
   */
  describe(message: ProtocolMessage): string {
    return `${TYPE_NAMES.get(message.type)!}${this.#details(message)}`;
  }

  #details(message: ProtocolMessage): string {
    switch (message.type) {
      case MessageType.AcceptConf: {
        const { majorVersion, minorVersion, readTimeout, messageBufferSize, subProtocolName } = message;
        const settings = `readTimeout ${readTimeout} ms, messageBufferSize ${messageBufferSize} bytes`;
        const subProtocol = subProtocolName && `, subProtocolName ${inQuotes(subProtocolName)}`;
        return ` ${majorVersion}.${minorVersion}, ${settings}${subProtocol}`;
      }
      case MessageType.SessionCreated:
        return ` ${this.#session(message.session)}`;
      case MessageType.RequestRestoreSession:
        this.secrets.addSessionKey(message.sessionKey);
        return ` ${identifier(message.id)} ${HIDDEN}`;
      case MessageType.RequestCloseSession:
        return ` ${identifier(message.id)}`;
      case MessageType.SessionClosed:
      case MessageType.Heartbeat:
        return '';
      case MessageType.RequestBinary:
      case MessageType.RequestUtf8:
      case MessageType.RequestUtf16: {
        const id = identifier(message.id);
        this.#requests.set(id, message.name);
        return ` ${id} ${inQuotes(message.name)}${this.#content(message, message.name)}`;
      }
      case MessageType.SignalBinary:
      case MessageType.SignalUtf8:
      case MessageType.SignalUtf16:
        return ` ${this.#signal(message.name, message)}`;
      case MessageType.ReplyBinary:
      case MessageType.ReplyUtf8:
      case MessageType.ReplyUtf16: {
        const { id, name } = this.#answered(message.id);
        return ` ${id} ${inQuotes(name)}${this.#content(message, name)}`;
      }
      case MessageType.ReplyError: {
        const { id, name } = this.#answered(message.id);
        const text = message.message && ` ${this.#text(message.message)}`;
        return ` ${id} ${inQuotes(name)}: ${escapeControls(this.secrets.hideIn(message.code))}${text}`;
      }
      default: {
        const { id, name } = this.#answered(message.id);
        return ` ${id}${name && ` ${inQuotes(name)}`}`;
      }
    }
  }

  /** The name of a signal of an extension may contain the identifier of a request. */
  #signal(name: string, content: Content): string {
    const [, prefix, digits] = /^(wwr:\w+:)([\da-f]{16})$/.exec(name) ?? [];
    if (!digits) return inQuotes(name) + this.#content(content, name);
    const id = identifier(Uint8Array.from(digits.match(/../g)!, (byte) => parseInt(byte, 16)));
    return inQuotes(prefix! + id) + this.#content(content, this.#requests.get(id) ?? '');
  }

  /** @param subject The name that says if the payload may be a secret. */
  #content({ type, payload }: Content, subject: string): string {
    if (payload.length === 0) return '';
    const encoding = encodingOf(type);
    const text = new Payload(encoding, payload).text();
    const size = `(${encoding}, ${payload.length} ${payload.length === 1 ? 'byte' : 'bytes'})`;
    if (isSecretName(subject)) return `: ${HIDDEN} ${size}`;
    if (encoding !== 'binary') return `: ${this.#text(text)} ${size}`;
    return `: ${this.secrets.hideIn(text) === text ? hex(payload) : HIDDEN} ${size}`;
  }

  /** Shows JSON of objects and arrays as it is, other text in quotes. */
  #text(text: string): string {
    const safe = this.secrets.hideIn(text);
    return /^[{[]/.test(safe) ? escapeControls(cutText(safe)) : inQuotes(cutText(safe));
  }

  #session(bytes: Uint8Array<ArrayBuffer>): string {
    try {
      const session = JSON.parse(new Payload('utf8', bytes).text()) as { k: unknown };
      this.secrets.addSessionKey(String(session.k));
      return this.#text(JSON.stringify({ ...session, k: HIDDEN }));
    } catch {
      return HIDDEN;
    }
  }

  #answered(bytes: Uint8Array): { id: string; name: string } {
    const id = identifier(bytes);
    const name = this.#requests.get(id) ?? '';
    this.#requests.delete(id);
    return { id, name };
  }
}

interface Content {
  readonly type: Parameters<typeof encodingOf>[0];
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** The number of a request: the client writes it into 8 bytes, little-endian. */
function identifier(bytes: Uint8Array): string {
  return `#${new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true)}`;
}

function hex(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, MAX_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return bytes.length > MAX_BYTES ? `${shown} …` : shown;
}
