import type { TlsOptions } from 'node:tls';
import { inspect, isDeepStrictEqual } from 'node:util';
import { GATEWAY_OPTION_RULES, type WebwireGatewayOptions } from '../options/gateway-options.js';
import type { GatewayDefinition } from '../handlers/gateway-explorer.js';
import type { ServedGateway } from '../handlers/create-dispatcher.js';
import { check, InvalidOptionError } from '../../common/options.js';
import { plainCodec, type PayloadCodec } from '../../protocol/payload-codec.js';
import { assertDistinctNames, isMinified } from './gateway-names.js';
import { resolveServerOptions, type ResolvedServerOptions } from '../../server/server-options.js';
import type { Transport } from '../../transport/transport.js';
import type { WebwireModuleOptions } from '../options/module-options.js';

/** Plan of a server: the gateways that share a port and path, and their options. */
export interface PlannedServer {
  /** Port to open; `undefined` for the HTTP server of the application. */
  readonly port: number | undefined;
  readonly options: ResolvedServerOptions;
  readonly gateways: readonly ServedGateway[];
  /** Encodes the signals of the server. */
  readonly codec: PayloadCodec;
  /** `true` if its connections can have sessions. */
  readonly hasSessions: boolean;
  /** TLS options of the port; `undefined` on the HTTP server of the application. */
  readonly tls: TlsOptions | undefined;
  readonly transport: Transport | undefined;
}

type OwnOptions = Omit<WebwireGatewayOptions, 'codec' | 'globalEnhancers' | 'name'>;

interface Group {
  port: number | undefined;
  options: OwnOptions;
  /** By option, the gateway that it comes from. */
  sources: Map<string, string>;
  gateways: ServedGateway[];
  /** The codecs in the options of its gateways. */
  codecs: Set<PayloadCodec>;
}

/**
 * Groups the gateways by port and path, and merges their options. Precedence: configuration of the gateway by name, then its
 * decorator, then the defaults of the module.
 *
 * @throws InvalidOptionError for options of a gateway that does not exist, and if gateways that share a server
 *   disagree on its options.
 */
export function planServers(gateways: readonly GatewayDefinition[], module: WebwireModuleOptions): PlannedServer[] {
  const {
    gateways: overridesByName = {},
    codec: moduleCodec,
    globalEnhancers: areGlobalsUsed = true,
    cluster: _,
    contract: _contract,
    ...defaults
  } = module;
  assertDistinctNames(gateways, module);
  assertKnown(Object.keys(overridesByName), gateways);
  const groups = new Map<string, Group>();
  for (const definition of gateways) {
    const { port: overriddenPort, ...overrides } = overridesByName[definition.name] ?? {};
    const {
      codec,
      globalEnhancers: hasGlobalEnhancers = areGlobalsUsed,
      name: _name,
      ...own
    } = { ...definition.options, ...definedOnly(overrides) };
    const port = overriddenPort ?? (definition.port === 0 ? undefined : definition.port);
    const path = own.path ?? defaults.path ?? '/';
    const key = `${port} ${path}`;
    const group: Group = groups.get(key) ?? { port, options: {}, sources: new Map(), gateways: [], codecs: new Set() };
    groups.set(key, group);
    merge(group, definition.name, definedOnly({ ...own, path }));
    group.gateways.push({ definition, codec: codec ?? moduleCodec, hasGlobalEnhancers });
    if (codec) group.codecs.add(codec);
  }
  assertTogether([...groups.values()]);
  const servers = [...groups.values()].map((group) => planServer(group, defaults, moduleCodec));
  assertOneTlsPerPort(servers);
  return servers;
}

function planServer(
  { port, options: own, gateways, codecs }: Group,
  defaults: Omit<WebwireModuleOptions, 'gateways' | 'codec' | 'globalEnhancers' | 'cluster' | 'contract'>,
  moduleCodec: PayloadCodec = plainCodec,
): PlannedServer {
  check(`tls of ${gateways[0]!.definition.name}`, own.tls, {
    allowed: "absent for a gateway on the application's HTTP server: Nest's httpsOptions apply",
    accepts: (value) => value === undefined || port !== undefined,
    isSecret: true,
  });
  const { sessions, tls, transport, ...options } = { ...defaults, ...own };
  return {
    port,
    options: resolveServerOptions(options),
    gateways,
    codec: codecOfSignals(codecs, moduleCodec),
    hasSessions: sessions !== false,
    tls: port === undefined ? undefined : tls,
    transport,
  };
}

/** A client has one codec for the signals of a server. If its gateways name several codecs, the codec of the module is used. */
function codecOfSignals(codecs: ReadonlySet<PayloadCodec>, moduleCodec: PayloadCodec): PayloadCodec {
  const [codec = moduleCodec, ...others] = codecs;
  return others.length === 0 ? codec : moduleCodec;
}

function assertOneTlsPerPort(servers: readonly PlannedServer[]): void {
  for (const { port, tls, gateways } of servers) {
    const other = servers.find(
      (server) => port !== undefined && port !== 0 && server.port === port && !isDeepStrictEqual(server.tls, tls),
    );
    if (!other) continue;
    const names = [gateways, other.gateways].map(([gateway]) => gateway!.definition.name);
    throw new InvalidOptionError(`${names.join(' and ')} share port ${port} but disagree on the WebWire option tls`);
  }
}

function assertKnown(names: readonly string[], gateways: readonly GatewayDefinition[]): void {
  const known = gateways.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new InvalidOptionError(
    `WebWire option gateways.${unknown} is for a gateway that does not exist; the gateways are: ${known.join(', ')}` +
      (gateways.some(isMinified) ? '; where a minifier shortens names, use @WebwireGateway({ name })' : ''),
  );
}

/**
 * Checks that gateways for which Nest asks for one server stay on one server. Nest asks once for all plain gateways with the
 * same port and path in their decorators, and once for all gateways that inherit one decorator.
 */
function assertTogether(groups: readonly Group[]): void {
  const homes = new Map<string | symbol, [GatewayDefinition, Group]>();
  for (const group of groups) {
    for (const { definition } of group.gateways) {
      const asked = definition.namespace ?? `${definition.port} ${definition.options.path}`;
      const [first, home] = homes.get(asked) ?? [definition, group];
      homes.set(asked, [first, home]);
      if (home === group) continue;
      throw new InvalidOptionError(
        `${definition.name} is moved away from ${first.name} by configuration: decorate it with a @WebwireGateway() of its own`,
      );
    }
  }
}

function merge(group: Group, gateway: string, options: OwnOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const source = group.sources.get(name);
    const existing = group.options[name as keyof OwnOptions];
    if (source !== undefined && !agree(name, existing, value)) {
      const values = [existing, value].map((one) => inspect(one, { depth: 0 })).join(' and ');
      const shown = GATEWAY_OPTION_RULES[name as keyof OwnOptions].isSecret
        ? ''
        : `: ${values}; give both the same value, or one of them another path or port`;
      throw new InvalidOptionError(
        `${source} and ${gateway} share a WebWire server but disagree on its option ${name}${shown}`,
      );
    }
    group.sources.set(name, gateway);
  }
  Object.assign(group.options, options);
}

/** Compares values of an option. Transports are compared by identity: their fields are private, so any two look equal. */
function agree(option: string, value: unknown, other: unknown): boolean {
  return option === 'transport' ? value === other : isDeepStrictEqual(value, other);
}

function definedOnly<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}
