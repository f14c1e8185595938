import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { WebwireService, type WebwireServer } from '../index.js';

type Report = (details: object) => HealthIndicatorResult;

/** Makes the results of one indicator. Terminus before version 12 has no `degraded`. */
interface Session {
  readonly up: Report;
  readonly down: Report;
  readonly degraded?: Report;
}

/**
 * Reports to `@nestjs/terminus` whether the servers of the application accept connections. It is a provider of a module that imports
 * `TerminusModule`:
 *
 * - `up` while all servers listen;
 * - `degraded` while they listen and the other nodes of the cluster cannot be reached. Before version 12, Terminus has only `up`:
 *   then the details have the state of the cluster;
 * - `down` while a server starts, and from the beginning of its shutdown on, so that proxies send no more clients.
 *
 * @example this.health.check([() => this.webwire.isHealthy('webwire')]);
 */
@Injectable()
export class WebwireHealthIndicator {
  constructor(
    @Inject(WebwireService) private readonly webwire: WebwireService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
  ) {}

  /**
   * @param key Name of the indicator in the result.
   * @returns The result, with the details `servers` (how many have each status), `connections` and, in a cluster, `cluster`.
   */
  isHealthy<const Key extends string = 'webwire'>(key: Key = 'webwire' as Key): HealthIndicatorResult<Key> {
    const session = this.indicators.check(key) as unknown as Session;
    const { connectionCount: connections, clusterHealth: cluster } = this.webwire;
    const servers = countByStatus(this.webwire.servers);
    const details = { servers, connections, ...(cluster && { cluster: cluster.status }) };
    return report(session, details, cluster?.isHealthy ?? true) as HealthIndicatorResult<Key>;
  }
}

function report(session: Session, details: { servers: object }, isClusterHealthy: boolean): HealthIndicatorResult {
  const isServing = Object.keys(details.servers).every((status) => status === 'listening');
  if (!isServing) return session.down(details);
  return !isClusterHealthy && session.degraded ? session.degraded(details) : session.up(details);
}

function countByStatus(servers: Iterable<WebwireServer>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of servers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
