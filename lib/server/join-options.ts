import { copyJson, NotJsonError, type JsonValue } from '../common/json-copy.js';
import { checkAll, InvalidOptionError, stringThat, type OptionRules } from '../common/options.js';

/** Options of `join()` of the `WebwireService`. */
export interface JoinOptions {
  /**
   * Data of the member, in `members()` and in events: any JSON value, at most 1 024 bytes of JSON. It is copied.
   * @default none
   */
  info?: unknown;
  /**
   * Connections that join a group with the same value are one member of it: the id of a user, for instance. At most 255
   * characters; do not use the key of a session, as it is a secret. Each connection is a member of its own by default.
   * @default none
   */
  as?: string;
}

/** The checked options of a connection in a group. */
export interface GroupMembership {
  readonly as: string | undefined;
  readonly info: JsonValue | undefined;
}

/** Most bytes of an `info` as JSON. It limits the list of a large group and the messages between nodes. */
const MAX_INFO_SIZE = 1_024;
const MAX_AS_LENGTH = 255;

const RULES: OptionRules<JoinOptions> = {
  info: { allowed: 'a JSON value', accepts: () => true },
  as: stringThat(
    `a string of 1 to ${MAX_AS_LENGTH} characters`,
    ({ length }) => length >= 1 && length <= MAX_AS_LENGTH,
  ),
};

/** @throws InvalidOptionError */
export function checkJoinOptions(options: JoinOptions): GroupMembership {
  const { info, as } = checkAll<JoinOptions>(options, RULES, 'join.');
  return { as, info: info === undefined ? undefined : copyInfo(info) };
}

function copyInfo(info: unknown): JsonValue {
  let copy: JsonValue;
  try {
    copy = copyJson(info, 'info');
  } catch (error) {
    throw error instanceof NotJsonError ? new InvalidOptionError(`WebWire option join.${error.message}`) : error;
  }
  const size = Buffer.byteLength(JSON.stringify(copy));
  if (size > MAX_INFO_SIZE) {
    throw new InvalidOptionError(
      `WebWire option join.info has ${size} bytes as JSON, but must have at most ${MAX_INFO_SIZE}: ` +
        'keep the rest in a store, and its key in the info',
    );
  }
  return copy;
}
