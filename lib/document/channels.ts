import type { DefinedContract } from '../contract/define-contract.js';
import type { PlannedServer } from '../nest/servers/plan-servers.js';
import { jsonCodec, plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import type { AsyncApiChannel, AsyncApiMessage, AsyncApiOperation, Reference } from './asyncapi.js';
import { componentName, numbered } from './components.js';
import type { JsonSchema } from './json-schema.js';
import { operationsOf, type DescribedOperation } from './operations.js';
import { isOptional, type SchemaSource } from './schema-source.js';
import type { Schemas } from './schemas.js';
import type { SchemaSide } from './standard-json-schema.js';

const PROTOCOL_VERSION = '2.0';
const BINDING_VERSION = '0.1.0';

const OPERATION_ORDER = [
  'request',
  'stream',
  'signal',
  'serverSignal',
] as const satisfies readonly DescribedOperation['kind'][];

/** A channel and its operations, by name. */
export interface DescribedChannel {
  readonly channel: AsyncApiChannel;
  readonly operations: readonly [string, AsyncApiOperation][];
}

/** The place of a channel in the document. */
export interface ChannelPlace {
  /** Name of the channel. */
  readonly id: string;
  /** Name of its server. */
  readonly server: string;
  /** If so, names of operations begin with that of the channel. */
  readonly isOneOfMany: boolean;
}

/** Describes a server as a channel. */
export async function describeChannel(
  plan: PlannedServer,
  place: ChannelPlace,
  contracts: readonly DefinedContract[],
  schemas: Schemas,
): Promise<DescribedChannel> {
  const { path, subProtocolName, webSocketProtocols } = plan.options;
  const writer = new OperationWriter(place, schemas);
  for (const operation of sortOperations(operationsOf(plan.gateways, plan.codec, contracts)))
    await writer.add(operation);
  const headers = protocolHeader(webSocketProtocols);
  const channel = {
    address: path,
    servers: [{ $ref: `#/servers/${place.server}` }],
    messages: writer.messages,
    bindings: { ws: { method: 'GET', ...(headers && { headers }), bindingVersion: BINDING_VERSION } },
    'x-webwire': { protocolVersion: PROTOCOL_VERSION, ...(subProtocolName !== '' && { subProtocolName }) },
  } as const;
  return { channel, operations: writer.operations };
}

/** Writes the operations of a channel, and their messages. */
class OperationWriter {
  readonly messages: Record<string, AsyncApiMessage> = {};
  readonly operations: [string, AsyncApiOperation][] = [];
  readonly #channel: Reference;
  /** The names of operations, without their kinds. Requests and streams share them, as their errors do. */
  readonly #keys = new Set<string>();

  constructor(
    private readonly place: ChannelPlace,
    private readonly schemas: Schemas,
  ) {
    this.#channel = { $ref: `#/channels/${place.id}` };
  }

  async add(operation: DescribedOperation): Promise<void> {
    const { kind, name, place, summary, description, deprecated, errors, codec } = operation;
    const family = kind === 'stream' ? 'request' : kind;
    const slug = name === undefined ? '_fallback' : componentName(name);
    const key = numbered(slug, (free) => this.#keys.has(`${family} ${free}`));
    this.#keys.add(`${family} ${key}`);
    const id = this.place.isOneOfMany ? `${this.place.id}.${kind}.${key}` : `${kind}.${key}`;
    const shown = name ?? '*';
    const of = kind === 'serverSignal' ? place : `${place}, ${kind}`;
    const side = kind === 'serverSignal' ? 'output' : 'input';
    const body = await this.schemas.make(operation.body, side, `${schemaName(id)}Body`, `the body of ${of}`);
    const sent = [this.#message(`${kind}.${key}`, describeMessage(shown, body, codec, summary))];
    if (this.#mayBeEmpty(operation.body, side, body, codec)) sent.push(this.#empty());
    const replies: Reference[] = [];
    if (operation.result) {
      const noun = kind === 'stream' ? 'item' : 'reply';
      const type = `${schemaName(id)}${noun === 'item' ? 'Item' : 'Reply'}`;
      const schema = await this.schemas.make(operation.result, 'output', type, `the ${noun} of ${of}`);
      replies.push(this.#message(`${noun}.${key}`, describeMessage(`${shown} ${noun}`, schema, codec)));
      if (this.#mayBeEmpty(operation.result, 'output', schema, codec)) replies.push(this.#empty());
    }
    const hasErrors = Object.keys(errors).length > 0;
    if (hasErrors) replies.push(this.#message(`error.${key}`, errorMessage(shown, errors)));
    const written: AsyncApiOperation = {
      action: kind === 'serverSignal' ? 'send' : 'receive',
      channel: this.#channel,
      ...(summary !== undefined && { summary }),
      ...(description !== undefined && { description }),
      messages: sent,
      ...(operation.result && { reply: { channel: this.#channel, messages: replies } }),
      'x-webwire': {
        kind,
        ...(name !== undefined && { name }),
        ...(deprecated && { deprecated }),
        ...(hasErrors && { errors }),
      },
    };
    this.operations.push([id, written]);
  }

  /** A schema without members describes any body, and none. */
  #mayBeEmpty(source: SchemaSource, side: SchemaSide, schema: JsonSchema | undefined, codec: PayloadCodec): boolean {
    return codec === jsonCodec && schema !== undefined && Object.keys(schema).length > 0 && isOptional(source, side);
  }

  /** The message without a body, which all operations of the channel share. */
  #empty(): Reference {
    return this.#message('empty', { name: 'empty', summary: 'No body' });
  }

  #message(key: string, message: AsyncApiMessage): Reference {
    this.messages[key] = message;
    return { $ref: `${this.#channel.$ref}/messages/${key}` };
  }
}

/** By kind and name: the order of providers does not matter. */
function sortOperations(operations: readonly DescribedOperation[]): DescribedOperation[] {
  const keyOf = ({ kind, name = '\uffff' }: DescribedOperation) => `${OPERATION_ORDER.indexOf(kind)} ${name}`;
  return operations.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

function describeMessage(
  name: string,
  payload: JsonSchema | undefined,
  codec: PayloadCodec,
  summary?: string,
): AsyncApiMessage {
  const contentType = payload && contentTypeOf(payload, codec);
  return {
    name,
    ...(summary !== undefined && { summary }),
    ...(contentType !== undefined && { contentType }),
    ...(payload && { payload }),
  };
}

/** Codecs of the application encode as they like. The default codec sends text and bytes as they are. */
function contentTypeOf({ type, format }: JsonSchema, codec: PayloadCodec): string | undefined {
  if (format === 'binary') return 'application/octet-stream';
  if (codec === plainCodec && type === 'string') return 'text/plain';
  return codec === plainCodec || codec === jsonCodec ? 'application/json' : 'application/octet-stream';
}

function errorMessage(name: string, errors: Readonly<Record<string, string>>): AsyncApiMessage {
  return {
    name: `${name} error`,
    contentType: 'application/json',
    payload: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { oneOf: Object.entries(errors).map(([code, meaning]) => ({ const: code, description: meaning })) },
        message: { type: 'string' },
      },
    },
  };
}

function protocolHeader(protocols: unknown): JsonSchema | undefined {
  if (!Array.isArray(protocols) || protocols.length === 0) return undefined;
  return { type: 'object', properties: { 'Sec-WebSocket-Protocol': { type: 'string', enum: protocols } } };
}

/** `request.rooms.create` → `RequestRoomsCreate` */
function schemaName(key: string): string {
  return key
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('');
}
