import { Cluster } from 'ioredis';
import type { RedisClient } from 'nestjs-webwire/redis';
import { Random } from '../load/random.js';
import type { NodeSettings, NodeState, Question } from './node-process.js';
import { SoakNode } from './soak-node.js';

/** The program of a node: it acts at random, and answers the questions of its parent. */

const settings = JSON.parse(process.env.SOAK_NODE!) as NodeSettings;
const { name, seed, addresses, natMap, timeouts, beganAt, isVerbose } = settings;

function log(line: string): void {
  if (isVerbose) process.stderr.write(`${new Date().toISOString()} ${name}.${process.pid}: ${line}\n`);
}

const client = new Cluster(addresses, { lazyConnect: true, natMap }) as unknown as RedisClient;
const node = new SoakNode(name, client, timeouts, new Random(seed), beganAt, log);

async function answer(question: Question): Promise<unknown> {
  switch (question.kind) {
    case 'end':
      return node.end();
    case 'stop':
      await node.end();
      return node.cluster.stop();
    case 'state':
      return stateOf();
    case 'count':
      return Promise.all(question.sessions.map((session) => node.cluster.places.count(session).catch(() => -1)));
    case 'members':
      return node.inquire();
    case 'signal':
      node.signalAll(question.check);
  }
  return undefined;
}

function stateOf(): NodeState {
  const { members, seen, size, tally } = node;
  const places = [...node.places].map(([session, held]) => [session, held.size] as const);
  return {
    health: node.cluster.health(),
    places,
    members,
    seen,
    received: [...node.received],
    tally: { ...tally, size },
  };
}

process.on('message', ({ id, question }: { id: number; question: Question }) => {
  answer(question).then(
    (answered) => void process.send!({ id, answered }),
    (error: Error) => void process.send!({ id, error: error.message }),
  );
});
process.on('disconnect', () => process.exit());

await node.start();
process.send!({ id: 0 });
