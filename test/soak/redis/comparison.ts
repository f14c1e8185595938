import { waitUntil } from '../../support/redis-processes.js';
import type { NodeProcess, NodeState } from './node-process.js';
import { GROUPS } from './soak-node.js';

/** The time in which the signals of a check have to arrive, in ms. */
const DELIVERY = 5_000;

interface Compared {
  readonly node: NodeProcess;
  readonly state: NodeState;
}

/**
 * Compares the nodes with the model, which is the sum of what each node has itself. Each node has to count the places that all
 * nodes together have, to have seen and to list the members of groups on all others, and to be reached through every group
 * that it has joined.
 * @returns The differences that are still there after `timeout` ms.
 */
export async function findDifferences(nodes: readonly NodeProcess[], timeout: number): Promise<string[]> {
  let found: string[] = ['the nodes were not compared'];
  let check = 0;
  const compare = async () => {
    const states = await Promise.all(nodes.map(async (node) => ({ node, state: await node.state() })));
    found = [
      ...compareHealth(states),
      ...(await comparePlaces(states)),
      ...(await compareMembers(states)),
      ...(await compareGroups(states, check++)),
    ];
    return found.length === 0;
  };
  await waitUntil(compare, timeout).catch(() => undefined);
  return [...found, ...nodes.flatMap(({ crashes }) => crashes)];
}

function compareHealth(nodes: readonly Compared[]): string[] {
  return nodes.flatMap(({ node, state }) => {
    const { isHealthy, status, places } = state.health;
    if (!isHealthy) return [`${node.name} is ${status} and not healthy`];
    const size = state.tally.size!;
    return places === size ? [] : [`${node.name} has ${places} places instead of ${size}`];
  });
}

async function comparePlaces(nodes: readonly Compared[]): Promise<string[]> {
  const model = new Map<string, number>();
  for (const { state } of nodes) {
    for (const [session, count] of state.places) model.set(session, (model.get(session) ?? 0) + count);
  }
  const sessions = [...model.keys()];
  const compared = nodes.map(async ({ node }) => {
    const counts = await node.count(sessions);
    return sessions.flatMap((session, index) => {
      const [count, expected] = [counts[index]!, model.get(session)!];
      return count === expected ? [] : [`${node.name} counts ${count} places instead of ${expected} in ${session}`];
    });
  });
  return (await Promise.all(compared)).flat();
}

async function compareMembers(nodes: readonly Compared[]): Promise<string[]> {
  const compared = nodes.map(async ({ node, state }) => {
    const expected = nodes.flatMap((other) => (other.node === node ? [] : other.state.members));
    const listed = await node.members().catch((error: Error) => [error.message]);
    return [
      ...compareSets(`the list of ${node.name}`, listed, expected),
      ...compareSets(`the sum of the changes on ${node.name}`, state.seen, expected),
    ];
  });
  return (await Promise.all(compared)).flat();
}

function compareSets(name: string, found: readonly string[], expected: readonly string[]): string[] {
  const [foundSet, expectedSet] = [new Set(found), new Set(expected)];
  return [
    ...found.filter((member) => !expectedSet.has(member)).map((member) => `${name} has ${member}, which is no member`),
    ...expected.filter((member) => !foundSet.has(member)).map((member) => `${name} lacks ${member}`),
  ];
}

async function compareGroups(nodes: readonly Compared[], check: number): Promise<string[]> {
  await Promise.all(nodes.map(({ node }) => node.signal(check)));
  let found: string[] = [];
  const haveArrived = async () => {
    const missing = nodes.map(async ({ node }) => {
      const { received, members } = await node.state();
      const receivedSet = new Set(received);
      const joined = GROUPS.filter((group) => members.some((member) => member.endsWith(` in ${group}`)));
      return nodes.flatMap((sender) => {
        if (sender.node === node) return [];
        const silent = joined.filter((group) => !receivedSet.has(`${check} ${sender.node.name} ${group}`));
        return silent.map((group) => `${node.name} gets no signals of ${sender.node.name} in ${group}`);
      });
    });
    found = (await Promise.all(missing)).flat();
    return found.length === 0;
  };
  await waitUntil(haveArrived, DELIVERY).catch(() => undefined);
  return found;
}
