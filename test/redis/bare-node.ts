import { RedisCluster, type RedisClusterOptions } from 'nestjs-webwire/redis';
import type { ClusterNode, ClusterTarget } from '../../lib/server/ports/cluster.js';
import { Queue } from '../support/queue.js';

/** A call of the cluster to its node. */
export type Told =
  | { kind: 'signal'; target: ClusterTarget; message: string; except: string[] }
  | { kind: 'sessionClosed'; session: string }
  | { kind: 'connected' };

/** A node without an application. It queues the calls of its cluster. */
export class BareNode implements ClusterNode {
  readonly told = new Queue<Told>();
  readonly lines: string[] = [];
  readonly logger = {
    log: (line: string) => void this.lines.push(line),
    debug: (line: string) => void this.lines.push(line),
    warn: (line: string) => void this.lines.push(line),
    error: (line: string) => void this.lines.push(line),
  };

  private constructor(readonly cluster: RedisCluster) {}

  static async start(options: RedisClusterOptions): Promise<BareNode> {
    const node = new BareNode(new RedisCluster(options));
    await node.cluster.start(node);
    await node.told.take(({ kind }) => kind === 'connected');
    return node;
  }

  receive(target: ClusterTarget, message: Uint8Array, except: ReadonlySet<string>): void {
    this.told.push({ kind: 'signal', target, message: Buffer.from(message).toString('hex'), except: [...except] });
  }

  sessionClosed(session: string): void {
    this.told.push({ kind: 'sessionClosed', session });
  }

  entries(): [] {
    return [];
  }

  allEntries(): [] {
    return [];
  }

  groupsChanged(): void {}

  connected(): void {
    this.told.push({ kind: 'connected' });
  }

  stop(): Promise<void> {
    return this.cluster.stop();
  }
}
