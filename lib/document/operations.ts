import type { EntryDetails, EntryErrors, ServerSignalEntry } from '../contract/entries.js';
import { contractOf, type DefinedContract } from '../contract/define-contract.js';
import type { ServedGateway } from '../nest/handlers/create-dispatcher.js';
import type { GatewayDefinition, HandlerDefinition } from '../nest/handlers/gateway-explorer.js';
import { payloadParameters } from '../nest/handlers/parameters.js';
import { jsonCodec, plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import { NO_SCHEMA, sourceOfClass, sourceOfSchema, sourceOfType, UNKNOWN, type SchemaSource } from './schema-source.js';

/** An operation of a server: it handles or sends the messages of one kind and name. */
export interface DescribedOperation extends EntryDetails {
  readonly kind: 'request' | 'stream' | 'signal' | 'serverSignal';
  /** `undefined` for a handler of all names that no other handler takes. */
  readonly name: string | undefined;
  /** `Class.method`, or the class that declares the signal, for warnings. */
  readonly place: string;
  readonly body: SchemaSource;
  /** The reply, or an item of the stream; `undefined` for signals. */
  readonly result: SchemaSource | undefined;
  readonly errors: EntryErrors;
  readonly codec: PayloadCodec;
}

/** Lists the operations of a server, without those that are listed twice. */
export function operationsOf(
  gateways: readonly ServedGateway[],
  codecOfSignals: PayloadCodec,
  contracts: readonly DefinedContract[],
): DescribedOperation[] {
  const handled = gateways.flatMap(({ definition, codec }) =>
    definition.handlers.map((handler) => handlerOperation(definition, handler, handler.codec ?? codec ?? plainCodec)),
  );
  const declared = gateways.flatMap(({ definition }) =>
    definition.emits.map((signal) => ({
      ...entryDetails(signal),
      kind: 'serverSignal' as const,
      name: signal.name,
      place: definition.name,
      body: sourceOfType(signal.body, `body of @WebwireEmits(${JSON.stringify(signal.name)}) of ${definition.name}`),
      result: undefined,
      errors: {},
      codec: codecOfSignals,
    })),
  );
  const served = gateways.flatMap(({ definition: { handlers } }) => handlers.flatMap(({ entry }) => entry ?? []));
  const all = new Set([...contracts, ...served.map(contractOf)]);
  const promised = [...all].flatMap(({ serverSignals }) => Object.values<ServerSignalEntry>(serverSignals));
  return [...handled, ...withoutDuplicates([...declared, ...promised.map(signalOperation)])];
}

function handlerOperation(
  gateway: GatewayDefinition,
  handler: HandlerDefinition,
  codec: PayloadCodec,
): DescribedOperation {
  const { kind, target, entry, description = {} } = handler;
  const prototype = gateway.wrapper.metatype!.prototype as object;
  const common = {
    kind,
    name: target === 'fallback' ? undefined : target.name,
    place: `${gateway.name}.${handler.methodName}`,
    codec,
  };
  if (entry) {
    const result = entry.kind === 'request' ? entry.reply : entry.kind === 'stream' ? entry.item : undefined;
    return {
      ...common,
      ...entryDetails(entry),
      body: entry.body ? sourceOfSchema(entry.body) : NO_SCHEMA,
      result: entry.kind === 'signal' ? undefined : result ? sourceOfSchema(result) : NO_SCHEMA,
      errors: ('errors' in entry && entry.errors) || {},
    };
  }
  const declared = kind === 'request' ? description.reply : description.item;
  return {
    ...common,
    ...entryDetails(description),
    body:
      description.body === undefined
        ? bodyOf(prototype, handler)
        : sourceOfType(description.body, `body of ${common.place}`),
    result:
      kind === 'signal'
        ? undefined
        : declared === undefined
          ? returnTypeOf(prototype, handler)
          : sourceOfType(declared, `${kind === 'stream' ? 'item' : 'reply'} of ${common.place}`),
    errors: description.errors ?? {},
  };
}

function signalOperation(entry: ServerSignalEntry): DescribedOperation {
  return {
    ...entryDetails(entry),
    kind: 'serverSignal',
    name: entry.name,
    place: `the contract's signal ${JSON.stringify(entry.name)}`,
    body: entry.body ? sourceOfSchema(entry.body) : NO_SCHEMA,
    result: undefined,
    errors: {},
    codec: jsonCodec,
  };
}

/** The type of the parameters that take the body: the body itself, or properties of it. */
function bodyOf(prototype: object, { methodName }: HandlerDefinition): SchemaSource {
  const types = (Reflect.getMetadata('design:paramtypes', prototype, methodName) ?? []) as unknown[];
  // A handler without parameter decorators takes the connection and the body, but need not have both parameters.
  const parameters = payloadParameters(prototype, methodName).filter(({ index }) => index < types.length);
  const sourceOf = ({ index, schema }: (typeof parameters)[number]) =>
    schema ? sourceOfSchema(schema) : sourceOfClass(types[index]);
  const whole = parameters.find(({ property }) => property === undefined);
  if (whole) return sourceOf(whole);
  // A handler without such a parameter does not use the body, but may read it from its message.
  if (parameters.length === 0) return types.length > 0 ? UNKNOWN : NO_SCHEMA;
  const properties = parameters.map((parameter) => [parameter.property!, sourceOf(parameter)] as const);
  return { kind: 'properties', properties: Object.fromEntries(properties) };
}

function returnTypeOf(prototype: object, { methodName, kind }: HandlerDefinition): SchemaSource {
  const type: unknown = Reflect.getMetadata('design:returntype', prototype, methodName);
  // The return type of a stream handler is that of the stream.
  return kind === 'stream' || isPlainArray(type) ? UNKNOWN : sourceOfClass(type);
}

function isPlainArray(type: unknown): boolean {
  return type === Array;
}

function entryDetails({ summary, description, deprecated }: EntryDetails): EntryDetails {
  return {
    ...(summary !== undefined && { summary }),
    ...(description !== undefined && { description }),
    ...(deprecated && { deprecated }),
  };
}

/** Gateways of one server may declare the same signal. */
function withoutDuplicates(signals: readonly DescribedOperation[]): DescribedOperation[] {
  return [...new Map(signals.toReversed().map((signal) => [signal.name, signal])).values()];
}
