import { check } from '../../common/options.js';
import { ORIGINS_RULE, type Origins } from '../../server/origins.js';
import { SERVER_OPTION_RULES, type ServerOptions } from '../../server/server-options.js';

const HANDSHAKE_GUARDS = 'use guards in @UseHandshakeGuards() on the gateway instead';

/**
 * Options of other WebSocket adapters that must not be ignored, because the server would accept clients or messages that it
 * should reject, or the application would not work; each with the advice for the error.
 */
const REFUSED: Readonly<Record<string, string>> = {
  verifyClient: HANDSHAKE_GUARDS,
  allowRequest: HANDSHAKE_GUARDS,
  handleProtocols: 'use the option webSocketProtocols instead',
  namespace: 'WebWire has no namespaces, use the option path',
  host: "a port of a gateway's own listens on all addresses; leave the port out, and give app.listen() the host",
  server: 'WebWire listens on the HTTP server of the application, or on the port of the gateway',
  noServer: 'WebWire listens on the HTTP server of the application, or on the port of the gateway',
  adapter: "use the option cluster of WebwireModule instead, such as new RedisCluster() of 'nestjs-webwire/redis'",
  parser: 'use the option codec instead',
  connectionStateRecovery: 'use sessions instead, which clients restore after a reconnect',
};

/** Options of other adapters that are safe to ignore, each with its counterpart in WebWire, if any. */
const IGNORED: Readonly<Record<string, string | undefined>> = {
  pingInterval: 'readTimeout',
  pingTimeout: 'readTimeout',
  connectTimeout: 'handshakeTimeout',
  upgradeTimeout: 'handshakeTimeout',
  closeTimeout: undefined,
  perMessageDeflate: 'transport: new WsTransport({ perMessageDeflate })',
  clientTracking: 'server.connections',
  allowEIO3: undefined,
  allowSynchronousEvents: undefined,
  allowUpgrades: undefined,
  addTrailingSlash: undefined,
  autoPong: undefined,
  backlog: undefined,
  cleanupEmptyChildNamespaces: undefined,
  cookie: undefined,
  destroyUpgrade: undefined,
  destroyUpgradeTimeout: 'handshakeTimeout',
  httpCompression: undefined,
  initialPacket: undefined,
  maxBufferedChunks: undefined,
  maxFragments: undefined,
  serveClient: undefined,
  skipUTF8Validation: undefined,
  transports: undefined,
  WebSocket: undefined,
  wsEngine: undefined,
};

/** Options of other adapters that are translated to `messageBufferSize`. */
const SIZE_LIMITS = ['maxPayload', 'maxHttpBufferSize'] as const;

type Options = Readonly<Record<string, unknown>>;

/** Options of a plain gateway, translated to those of WebWire. */
export interface TranslatedOptions {
  /** Options of WebWire and unknown ones. They are not checked yet. */
  readonly options: Record<string, unknown>;
  /** Descriptions of ignored options, with their counterparts. */
  readonly ignored: readonly string[];
}

/**
 * Translates the options of a plain `@WebSocketGateway()`, which may be meant for `@nestjs/platform-ws` or
 * `@nestjs/platform-socket.io`.
 *
 * @throws InvalidOptionError for an option that must not be ignored.
 */
export function translateOptions(gateway: string, given: Options): TranslatedOptions {
  refuseForeignOptions(gateway, given);
  const options: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || Object.hasOwn(REFUSED, name) || isTranslated(name)) continue;
    if (!Object.hasOwn(IGNORED, name)) options[name] = value;
    else if (value !== false && value !== null) ignored.push(describeIgnored(name, IGNORED[name]));
  }
  return { options: { ...limits(gateway, given), ...options }, ignored };
}

/** @throws InvalidOptionError for an option of another adapter that keeps clients or messages out. */
export function refuseForeignOptions(gateway: string, given: Options): void {
  for (const [name, instead] of Object.entries(REFUSED)) {
    check(`${gateway}.${name}`, given[name], {
      allowed: `absent: ${instead}`,
      accepts: (value) => isSwitchedOff(value) || (name === 'namespace' && (value === '' || value === '/')),
    });
  }
}

function limits(gateway: string, given: Options): Pick<ServerOptions, 'messageBufferSize' | 'origins'> {
  const found: Pick<ServerOptions, 'messageBufferSize' | 'origins'> = {};
  for (const name of SIZE_LIMITS) {
    if (given[name] === undefined) continue;
    check(`${gateway}.${name}`, given[name], SERVER_OPTION_RULES.messageBufferSize);
    found.messageBufferSize = given[name] as number;
  }
  const origins = given.cors === undefined ? undefined : originsOf(`${gateway}.cors`, given.cors);
  if (origins !== undefined) found.origins = origins;
  return found;
}

/** @returns `undefined` if any page may connect. */
function originsOf(option: string, cors: unknown): Origins | undefined {
  if (cors === true) return undefined;
  check(option, cors, {
    allowed: 'true or an object with origin; the option origins lists the web pages that may connect',
    accepts: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  });
  const { origin } = cors as { origin?: unknown };
  if (origin === undefined || origin === true || origin === '*') return undefined;
  check(`${option}.origin`, origin, {
    allowed: `${ORIGINS_RULE.allowed.replace(/, or a function$/, '')}, true or "*"; for a function use the option origins`,
    accepts: (value) => typeof value !== 'function' && ORIGINS_RULE.accepts(value),
  });
  return origin as Origins;
}

function isTranslated(name: string): boolean {
  return name === 'cors' || (SIZE_LIMITS as readonly string[]).includes(name);
}

function isSwitchedOff(value: unknown): boolean {
  return value === undefined || value === null || value === false;
}

function describeIgnored(name: string, instead: string | undefined): string {
  return instead === undefined ? name : `${name} (WebWire has ${instead})`;
}
