import type { JsonValue } from '../common/json-copy.js';
import type { GroupChange, GroupCount, GroupEntry } from '../server/group-member.js';

/** The first byte of the messages about members of groups. It differs from the first byte of envelopes, their version. */
const PRESENCE = 2;

/** The approximate size of the messages in which the list of a large group is sent, in bytes. */
const CHUNK_SIZE = 64 * 1024;

/** An entry of a group: group, id of the connection, ms since 1970, `as` (`null` for none), info (absent for none). */
export type WireEntry = [group: string, connectionId: string, joinedAt: number, as: string | null, info?: JsonValue];

/** A connection that has left a group. */
export type WireLeft = [group: string, connectionId: string];

/** The state of a node: `seq` counts the changes that it has published since `stream` began. */
export interface StreamPosition {
  readonly stream: string;
  readonly seq: number;
}

/** Messages between nodes about the members of groups. `from` is the id of the node that sends it. */
export type PresenceMessage = { readonly from: string } & (
  | {
      /** Asks for the members of a group, for their number, or for all members of all groups and changes from then on. */
      readonly kind: 'ask';
      readonly id: string;
      readonly what: 'entries' | 'count' | 'all';
      readonly group?: string;
      /** The ids of the nodes that are asked. */
      readonly to: readonly string[];
    }
  | {
      /** Answers, in one message or more. */
      readonly kind: 'answer';
      readonly id: string;
      /** The number of the message among those of the answer, from 0. */
      readonly index: number;
      readonly isLast: boolean;
      readonly entries: readonly WireEntry[];
      readonly count?: GroupCount;
      readonly position?: StreamPosition;
    }
  | { readonly kind: 'changes'; readonly position: StreamPosition; readonly changes: readonly (WireEntry | WireLeft)[] }
  /** Published regularly, so that receivers detect lost changes. */
  | { readonly kind: 'position'; readonly position: StreamPosition }
  /** The node is shut down. */
  | { readonly kind: 'gone' }
);

export type PresenceMessageOf<Kind extends PresenceMessage['kind']> = Extract<PresenceMessage, { kind: Kind }>;

export function isPresenceMessage(bytes: Uint8Array): boolean {
  return bytes[0] === PRESENCE;
}

export function encodePresence(message: PresenceMessage): Buffer {
  return Buffer.concat([Buffer.of(PRESENCE), Buffer.from(JSON.stringify(message))]);
}

/** @throws Error if the message is not JSON. Its text contains nothing of the message. */
export function decodePresence(bytes: Buffer): PresenceMessage {
  let message: unknown;
  try {
    message = JSON.parse(bytes.toString('utf8', 1));
  } catch {
    throw new Error('a message about members of groups is not JSON');
  }
  if (typeof (message as PresenceMessage | null)?.from !== 'string') {
    throw new Error('a message about members of groups does not contain the id of its node');
  }
  return message as PresenceMessage;
}

export function toWire(group: string, { connectionId, joinedAt, as, info }: GroupEntry): WireEntry {
  const entry = [group, connectionId, joinedAt, as ?? null] as const;
  return info === undefined ? [...entry] : [...entry, info];
}

export function changeToWire({ group, before, now }: GroupChange): WireEntry | WireLeft {
  return now ? toWire(group, now) : [group, before!.connectionId];
}

export function fromWire([, connectionId, joinedAt, as, info]: WireEntry): GroupEntry {
  const entry = { connectionId, joinedAt, info: freeze(info) };
  return Object.freeze(as === null ? entry : { ...entry, as });
}

export function isLeft(item: WireEntry | WireLeft): item is WireLeft {
  return item.length === 2;
}

/** Splits a list into parts of about `CHUNK_SIZE` bytes. An empty list has one empty part. */
export function* chunksOf<Item>(items: Iterable<Item>): Generator<readonly [part: Item[], isLast: boolean]> {
  let part: Item[] = [];
  let size = 0;
  for (const item of items) {
    if (size >= CHUNK_SIZE) {
      yield [part, false];
      part = [];
      size = 0;
    }
    part.push(item);
    size += JSON.stringify(item).length;
  }
  yield [part, true];
}

function freeze(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== 'object' || value === null) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
