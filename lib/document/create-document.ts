import { Logger, type INestApplicationContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server as HttpServer } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import { checkAll, stringThat, type OptionRules } from '../common/options.js';
import { planApplication } from '../nest/servers/plan-application.js';
import type { PlannedServer } from '../nest/servers/plan-servers.js';
import type { AsyncApiChannel, AsyncApiDocument, AsyncApiOperation, AsyncApiServer } from './asyncapi.js';
import { describeChannel } from './channels.js';
import { numbered } from './components.js';
import { Schemas } from './schemas.js';

/** Options of `createWebwireDocument()`. */
export interface WebwireDocumentOptions {
  /** Title of the application. */
  readonly title: string;
  /** Version of the application's API. */
  readonly version: string;
  /** Description of the application, which may be Markdown. */
  readonly description?: string;
  /** Further members of `info`, such as `license` and `contact`. */
  readonly info?: Readonly<Record<string, unknown>>;
  /**
   * URL at which clients reach the application's HTTP server: `ws:` or `wss:`. Gateways with a port have its host.
   * @default `ws://localhost:3000`; with the port if the application listens, and `wss:` if it has TLS
   */
  readonly url?: string;
  /**
   * Gets a warning for each thing that the document cannot express.
   * @default warnings of Nest's logger
   */
  readonly onWarning?: (warning: string) => void;
}

const RULES: OptionRules<WebwireDocumentOptions> = {
  title: stringThat('a string that is not empty', (title) => title !== ''),
  version: stringThat('a string that is not empty', (version) => version !== ''),
  description: stringThat('a string', () => true),
  info: { allowed: 'an object', accepts: (value) => typeof value === 'object' && value !== null },
  url: stringThat('a URL such as wss://example.com', (url) => /^wss?:\/\/[^/?#]+/.test(url)),
  onWarning: { allowed: 'a function', accepts: (value) => typeof value === 'function' },
};

/**
 * Describes the requests, streams and signals of an application as AsyncAPI 3.0.0. The application need not be initialised.
 *
 * Schemas come from contracts, from classes with metadata of `@nestjs/swagger`, and from the options of decorators. The same
 * application gives the same document.
 *
 * @returns An object that `JSON.stringify()` writes.
 * @throws InvalidOptionError for a bad option, and for gateways that do not work together.
 * @example
 * const document = await createWebwireDocument(app, { title: 'Chat', version: '1.0' });
 * await writeFile('asyncapi.json', JSON.stringify(document, null, 2));
 */
export async function createWebwireDocument(
  app: INestApplicationContext,
  options: WebwireDocumentOptions,
): Promise<AsyncApiDocument> {
  const given = { ...options, title: options.title ?? '', version: options.version ?? '' };
  const { title, version, description, info, url, onWarning } = checkAll(given, RULES, 'createWebwireDocument.');
  const logger = new Logger('Webwire');
  const schemas = new Schemas(onWarning ?? ((warning) => logger.warn(warning)));
  const plans = planApplication(app);
  const base = new URL(url ?? defaultUrl(app));
  const servers: Record<string, AsyncApiServer> = {};
  const channels: Record<string, AsyncApiChannel> = {};
  const operations: [string, AsyncApiOperation][] = [];
  for (const plan of sortServers(plans.servers)) {
    const server = plan.port === undefined ? 'application' : `port${plan.port}`;
    servers[server] = serverOf(plan, base);
    const channelId = numbered(
      slug(plan.options.path) + (plan.port === undefined ? '' : `-${plan.port}`),
      // Also names that each object has, such as `constructor`, which parsers mistake for those.
      (id) => id in channels,
    );
    const place = { id: channelId, server, isOneOfMany: plans.servers.length > 1 };
    const described = await describeChannel(plan, place, plans.contracts, schemas);
    channels[channelId] = described.channel;
    operations.push(...described.operations);
  }
  for (const [id, channel] of Object.entries(channels))
    channels[id] = { ...channel, messages: schemas.closed(channel.messages) };
  return {
    asyncapi: '3.0.0',
    info: { title, version, ...(description !== undefined && { description }), ...info },
    defaultContentType: 'application/json',
    servers,
    channels,
    operations: Object.fromEntries(operations),
    components: { schemas: schemas.components.schemas },
  };
}

/** By port and path. */
function sortServers(servers: readonly PlannedServer[]): PlannedServer[] {
  const keyOf = ({ port = 0, options: { path } }: PlannedServer) => `${String(port).padStart(5, '0')} ${path}`;
  return servers.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

function serverOf({ port, tls }: PlannedServer, { protocol, host, hostname, pathname }: URL): AsyncApiServer {
  if (port === undefined) {
    const isSecure = protocol === 'wss:';
    return { host, protocol: isSecure ? 'wss' : 'ws', ...(pathname !== '/' && { pathname }) };
  }
  return { host: `${hostname}${port === 0 ? '' : `:${port}`}`, protocol: tls ? 'wss' : 'ws' };
}

/** The address of the application's HTTP server. */
function defaultUrl(app: INestApplicationContext): string {
  const server = app.get(HttpAdapterHost, { strict: false }).httpAdapter?.getHttpServer() as HttpServer | undefined;
  const address = server?.address();
  const port = typeof address === 'object' && address !== null ? address.port : 3000;
  return `${server instanceof TlsServer ? 'wss' : 'ws'}://localhost:${port}`;
}

/** A name for the channel of a path: `root` for `/`. */
function slug(path: string): string {
  return path.replace(/[^A-Za-z0-9_.-]+/g, '_').replace(/^_+|_+$/g, '') || 'root';
}
