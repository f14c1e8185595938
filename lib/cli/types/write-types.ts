import { asObject, comment, commentText, propertyName, schemaType, union, type NameOf } from './schema-type.js';

const SCHEMAS = '#/components/schemas/';

/** The members of `Api`, by the kind of operation. */
const API_MEMBERS = {
  request: 'requests',
  stream: 'streams',
  signal: 'signals',
  serverSignal: 'serverSignals',
} as const;

type Kind = keyof typeof API_MEMBERS;

/** A document, which may be anything. */
type Members = Record<string, unknown>;

interface ApiMember {
  readonly part: (typeof API_MEMBERS)[Kind];
  readonly name: string;
  readonly text: string;
}

/** Words that cannot be the names of types. */
const RESERVED_WORDS = new Set(
  (
    'any bigint boolean never null number object string symbol undefined unknown void ' +
    'class enum function import interface new this type typeof var Uint8Array'
  ).split(' '),
);

/**
 * Writes the TypeScript types of a document that `createWebwireDocument()` has made: for each channel an interface for
 * `WebwireClient<Api>`. It is named `Api` if there is one channel, else after the channel.
 *
 * @throws Error if the document is not one of AsyncAPI 3.
 */
export function writeTypes(document: unknown): string {
  const { asyncapi, channels, operations, components, info } = asObject(document);
  if (typeof asyncapi !== 'string' || !asyncapi.startsWith('3.')) {
    throw new Error('it is not a document of AsyncAPI 3, such as createWebwireDocument() makes');
  }
  const schemas = asObject(asObject(components).schemas);
  const names = typeNames(Object.keys(schemas), Object.keys(asObject(channels)));
  const nameOf: NameOf = (reference) => {
    if (!reference.startsWith(SCHEMAS)) return undefined;
    return names.types.get(componentOf(reference));
  };
  const texts = [header(asObject(info))];
  for (const [key, schema] of Object.entries(schemas)) {
    texts.push(declaration(names.types.get(key)!, isEndless(key, schemas) ? {} : schema, nameOf));
  }
  for (const [key, channel] of Object.entries(asObject(channels))) {
    texts.push(api(names.channels.get(key)!, key, asObject(channel), asObject(operations), nameOf));
  }
  return texts.join('\n');
}

function header({ title, version }: Members): string {
  const of = [title, version].filter((text) => typeof text === 'string').join(' ');
  return `// Types of ${oneLine(of)}, written by \`webwire types\`. Changes are lost when it writes them again.\n`;
}

function oneLine(text: string): string {
  return commentText(text.replaceAll(/\s+/g, ' ')).trim();
}

/** Names for the types of schemas and channels, which differ from each other. */
function typeNames(schemas: readonly string[], channels: readonly string[]) {
  const taken = new Set<string>();
  const free = (wanted: string) => {
    let name = wanted;
    for (let count = 2; taken.has(name) || RESERVED_WORDS.has(name); count++) name = `${wanted}${count}`;
    taken.add(name);
    return name;
  };
  const apis = channels.map((key) => [key, free(channels.length === 1 ? 'Api' : `${pascal(key)}Api`)] as const);
  const types = schemas.map((key) => [key, free(pascal(key))] as const);
  return { channels: new Map(apis), types: new Map(types) };
}

/** `rooms.create` → `RoomsCreate` */
function pascal(text: string): string {
  const words = text.split(/[^\p{ID_Continue}$]+|_+/u).filter((word) => word !== '');
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  return /^[\p{ID_Start}$]/u.test(name) ? name : `_${name}`;
}

function declaration(name: string, schema: unknown, nameOf: NameOf): string {
  const type = schemaType(schema, nameOf);
  const isInterface = type.startsWith('{\n') && type.indexOf('\n}') === type.length - 2;
  return `${comment(schema, '')}export ${isInterface ? `interface ${name} ${type}` : `type ${name} = ${type};`}\n`;
}

/** The name of the component that a reference is to. */
function componentOf(reference: string): string {
  const pointer = reference.slice(SCHEMAS.length);
  try {
    return decodeURIComponent(pointer).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return pointer;
  }
}

/** A schema that refers to itself, and not in a property or an item, is no type. */
function isEndless(key: string, schemas: Members): boolean {
  const seen = new Set<string>();
  const reaches = (schema: unknown): boolean => {
    const { $ref, allOf, anyOf, oneOf } = asObject(schema);
    if (typeof $ref === 'string' && $ref.startsWith(SCHEMAS)) {
      const next = componentOf($ref);
      if (next === key) return true;
      if (!seen.has(next)) {
        seen.add(next);
        if (reaches(schemas[next])) return true;
      }
    }
    return [allOf, anyOf, oneOf].some((list) => Array.isArray(list) && list.some(reaches));
  };
  return reaches(schemas[key]);
}

function api(name: string, key: string, channel: Members, operations: Members, nameOf: NameOf): string {
  const found = Object.values(operations)
    .map(asObject)
    .filter((operation) => asObject(operation.channel).$ref === `#/channels/${key}`)
    .flatMap((operation) => apiMember(operation, key, asObject(channel.messages), nameOf) ?? []);
  // A document of another origin may have several operations of one kind and name.
  const members = [...new Map(found.map((member) => [`${member.part} ${member.name}`, member])).values()];
  const parts = Object.values(API_MEMBERS).map((part) => {
    const own = members.filter((member) => member.part === part);
    return own.length === 0 ? '' : `  ${part}: {\n${own.map(({ text }) => text).join('')}  };\n`;
  });
  const place = typeof channel.address === 'string' ? ` at ${oneLine(channel.address)}` : '';
  return `/** The requests, streams and signals${place}, for \`WebwireClient<${name}>\`. */\nexport interface ${name} {\n${parts.join('')}}\n`;
}

/** `undefined` for operations without a name, which a client cannot use. */
function apiMember(operation: Members, channel: string, messages: Members, nameOf: NameOf): ApiMember | undefined {
  const { kind, name, deprecated } = asObject(operation['x-webwire']);
  if (typeof name !== 'string' || typeof kind !== 'string' || !Object.hasOwn(API_MEMBERS, kind)) return undefined;
  const part = API_MEMBERS[kind as Kind];
  const indent = '    ';
  const typeOf = (references: unknown) => messageType(references, channel, messages, nameOf, indent);
  const body = typeOf(operation.messages);
  const hasReply = part === 'requests' || part === 'streams';
  const reply = hasReply ? typeOf(asObject(operation.reply).messages) : '';
  const type = hasReply ? `[body: ${body}, ${part === 'requests' ? 'reply' : 'item'}: ${reply}]` : body;
  const about = [operation.summary, operation.description].filter((text) => typeof text === 'string').join('\n');
  return {
    part,
    name,
    text: `${comment({ description: about, deprecated }, indent)}${indent}${propertyName(name)}: ${type};\n`,
  };
}

/**
 * The type of the bodies of messages; `void` if no message has one, and with `undefined` if one of several has none. The messages of
 * errors reject.
 */
function messageType(references: unknown, channel: string, messages: Members, nameOf: NameOf, indent: string): string {
  const prefix = `#/channels/${channel}/messages/`;
  const keys = (Array.isArray(references) ? references : [])
    .map((reference) => String(asObject(reference).$ref))
    .filter((reference) => reference.startsWith(prefix) && !reference.startsWith(`${prefix}error.`))
    .map((reference) => reference.slice(prefix.length));
  const types = keys.map((key) => {
    const message = asObject(messages[key]);
    return 'payload' in message ? schemaType(message.payload, nameOf, indent) : 'undefined';
  });
  const type = types.length === 0 ? 'unknown' : union(types);
  return type === 'undefined' ? 'void' : type;
}
