import type { JsonSchema } from './json-schema.js';

/** A reference to another part of the document. */
export interface Reference {
  readonly $ref: string;
}

/** The kind of an operation, and the name of its messages, as they are on the wire. */
export interface WebwireExtension {
  readonly kind: 'request' | 'stream' | 'signal' | 'serverSignal';
  /** Left out for a handler that takes all names which no other handler takes. */
  readonly name?: string;
  readonly deprecated?: boolean;
  /** The codes of the errors with which the request or stream may fail, and their meanings. */
  readonly errors?: Readonly<Record<string, string>>;
}

/** The name and the payload of a request, a reply, an item or a signal. */
export interface AsyncApiMessage {
  readonly name: string;
  readonly summary?: string;
  readonly contentType?: string;
  /** Left out if the message has no body. */
  readonly payload?: JsonSchema;
}

/** The messages of one name: a request or stream and its replies, or a signal. */
export interface AsyncApiOperation {
  /** `receive` for messages of clients, `send` for signals of the server. */
  readonly action: 'send' | 'receive';
  readonly channel: Reference;
  readonly summary?: string;
  readonly description?: string;
  readonly messages: readonly Reference[];
  readonly reply?: { readonly channel: Reference; readonly messages: readonly Reference[] };
  readonly 'x-webwire': WebwireExtension;
}

/** A path at which clients connect, and the messages there. */
export interface AsyncApiChannel {
  /** The path of the URL. */
  readonly address: string;
  readonly servers?: readonly Reference[];
  readonly messages: Readonly<Record<string, AsyncApiMessage>>;
  readonly bindings: {
    readonly ws: { readonly method: 'GET'; readonly headers?: JsonSchema; readonly bindingVersion: string };
  };
  readonly 'x-webwire': { readonly protocolVersion: string; readonly subProtocolName?: string };
}

/** The parts of the URL to which clients connect. */
export interface AsyncApiServer {
  readonly host: string;
  readonly protocol: 'ws' | 'wss';
  readonly pathname?: string;
}

/** A document of AsyncAPI 3.0.0, with the members that `createWebwireDocument()` makes. */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: { readonly title: string; readonly version: string; readonly [member: string]: unknown };
  readonly defaultContentType: 'application/json';
  readonly servers: Readonly<Record<string, AsyncApiServer>>;
  readonly channels: Readonly<Record<string, AsyncApiChannel>>;
  readonly operations: Readonly<Record<string, AsyncApiOperation>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}
