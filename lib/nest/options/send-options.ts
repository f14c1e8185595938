import type { Type } from '@nestjs/common';
import { WebwireConnection } from '../../server/connection.js';
import { check, checkAll, type OptionRule, type OptionRules } from '../../common/options.js';

/** Options of `signalGroup()` of the `WebwireService`. */
export interface SignalGroupOptions {
  /**
   * Connections that do not get the signal.
   * @default none
   */
  except?: WebwireConnection | Iterable<WebwireConnection>;
  /**
   * `true` sends the signal to the connections of this node only. Use it in listeners of the events `joined` and `left`, which
   * every node emits.
   * @default false
   */
  local?: boolean;
}

/** Options of `broadcast()` of the `WebwireService`. */
export interface BroadcastOptions extends Pick<SignalGroupOptions, 'except'> {
  /**
   * The gateway whose server sends the signal, to all its connections. Other gateways may share the server.
   * @default all servers of the application
   */
  gateway?: Type;
}

/** Checked options of `signalGroup()` or `broadcast()`. */
interface CheckedOptions {
  readonly except: ReadonlySet<WebwireConnection>;
  readonly gateway?: Type;
  readonly local?: boolean;
}

const isConnection = (value: unknown) => value instanceof WebwireConnection;
const isIterable = (value: unknown) => typeof value === 'object' && value !== null && Symbol.iterator in value;

const EXCEPT_RULE: OptionRule = {
  allowed: 'a WebwireConnection, or an iterable of them',
  accepts: (value) => isConnection(value) || isIterable(value),
};

const SIGNAL_GROUP_RULES: OptionRules<SignalGroupOptions> = {
  except: EXCEPT_RULE,
  local: { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' },
};

const BROADCAST_RULES: OptionRules<BroadcastOptions> = {
  except: EXCEPT_RULE,
  gateway: { allowed: 'the class of a gateway', accepts: (value) => typeof value === 'function' },
};

/** @throws InvalidOptionError */
export function checkSignalGroupOptions(options: SignalGroupOptions): CheckedOptions {
  return checkExceptions('signalGroup', checkAll<SignalGroupOptions>(options, SIGNAL_GROUP_RULES, 'signalGroup.'));
}

/** @throws InvalidOptionError */
export function checkBroadcastOptions(options: BroadcastOptions): CheckedOptions {
  return checkExceptions('broadcast', checkAll<BroadcastOptions>(options, BROADCAST_RULES, 'broadcast.'));
}

function checkExceptions(
  method: string,
  { except = [], ...others }: BroadcastOptions & SignalGroupOptions,
): CheckedOptions {
  const connections = new Set(except instanceof WebwireConnection ? [except] : except);
  for (const connection of connections) {
    check(`${method}.except`, connection, { allowed: 'an iterable of WebwireConnections', accepts: isConnection });
  }
  return { except: connections, ...others };
}
