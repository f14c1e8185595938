import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  InvalidOptionError,
  WebwireConnection,
  WebwireGateway,
  WebwireService,
  type Cluster,
  type GroupMemberEvent,
  type JoinOptions,
} from 'nestjs-webwire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import type { WireClient } from '../support/wire-client.js';

@WebwireGateway()
class Main {
  readonly left = deferred();
  constructor(readonly service: WebwireService) {}
  handleDisconnect() {
    this.left.resolve();
  }
}

describe('the members of groups', () => {
  let app: TestApp;
  let service: WebwireService;

  beforeEach(async () => {
    app = await TestApp.start({ providers: [Main] });
    service = app.get(WebwireService);
  });
  afterEach(() => app.close());

  async function connect(): Promise<[WebwireConnection, WireClient]> {
    const before = new Set(service.connections);
    const client = await app.connect();
    return [[...service.connections].find((each) => !before.has(each))!, client];
  }

  /** Records the events of members in a short form. */
  function record(of: WebwireService = service): string[] {
    const events: string[] = [];
    const show = (name: string) => (event: GroupMemberEvent) =>
      void events.push(`${name} ${event.group} ${event.as ?? ''}${JSON.stringify(event.info) ?? ''}`);
    of.on('joined', show('joined'));
    of.on('left', show('left'));
    return events;
  }

  it('are listed with their options, in the order in which they joined', async () => {
    const [[a], [b], [c]] = [await connect(), await connect(), await connect()];
    service.join(b, 'room', { info: { name: 'Bob' } });
    service.join(a, 'room');
    service.join(c, 'other', { info: 'here' });
    expect(await service.members('room')).toEqual([
      { connectionId: b.id, info: { name: 'Bob' } },
      { connectionId: a.id, info: undefined },
    ]);
    expect(await service.members('other')).toEqual([{ connectionId: c.id, info: 'here' }]);
    expect([await service.countMembers('room'), await service.countMembers('nobody')]).toEqual([2, 0]);
    expect(await service.members('nobody')).toEqual([]);
  });

  it('may be several connections under one name', async () => {
    const [[a], [b], [c]] = [await connect(), await connect(), await connect()];
    const events = record();
    service.join(a, 'room', { as: 'ann', info: 1 });
    service.join(b, 'room', { as: 'ann', info: 1 });
    service.join(c, 'room', { as: 'bob', info: 2 });
    expect(await service.countMembers('room')).toBe(2);
    expect((await service.members('room')).map(({ as, info }) => [as, info])).toEqual([
      ['ann', 1],
      ['bob', 2],
    ]);
    service.leave(a, 'room');
    expect(await service.countMembers('room')).toBe(2);
    service.leave(b, 'room');
    expect(await service.countMembers('room')).toBe(1);
    expect(events).toEqual(['joined room ann1', 'joined room bob2', 'left room ann1']);
  });

  it('are different from a member whose name is the id of a connection', async () => {
    const [[a], [b]] = [await connect(), await connect()];
    service.join(a, 'room');
    service.join(b, 'room', { as: a.id });
    expect(await service.countMembers('room')).toBe(2);
    expect(await service.members('room')).toHaveLength(2);
  });

  it('are announced when they join and leave', async () => {
    const [[a, client], [b]] = [await connect(), await connect()];
    const events: [string, GroupMemberEvent][] = [];
    service.on('joined', (event) => void events.push(['joined', event]));
    service.on('left', (event) => void events.push(['left', event]));
    service.join(a, 'room', { info: { name: 'Ann' } });
    service.join(a, 'room');
    service.join(b, 'room');
    service.leave(b, 'room');
    service.leave(b, 'room');
    service.leave(b, 'never joined');
    await client.close();
    await app.get(Main).left.promise;
    expect(events).toEqual([
      ['joined', { group: 'room', connectionId: a.id, info: { name: 'Ann' } }],
      ['joined', { group: 'room', connectionId: b.id, info: undefined }],
      ['left', { group: 'room', connectionId: b.id, info: undefined }],
      ['left', { group: 'room', connectionId: a.id, info: { name: 'Ann' } }],
    ]);
  });

  it('have left when handleDisconnect runs', async () => {
    const [[a, client]] = [await connect()];
    service.join(a, 'room');
    await client.close();
    await app.get(Main).left.promise;
    expect(await service.members('room')).toEqual([]);
  });

  it('leave and join when their info changes, and only then', async () => {
    const [[a]] = [await connect()];
    const events = record();
    service.join(a, 'room', { info: { state: 'here' } });
    service.join(a, 'room', { info: { state: 'here' } });
    service.join(a, 'room', { info: { state: 'away' } });
    service.join(a, 'room', {});
    service.join(a, 'room', { as: 'ann' });
    expect(events).toEqual([
      'joined room {"state":"here"}',
      'left room {"state":"here"}',
      'joined room {"state":"away"}',
      'left room {"state":"away"}',
      'joined room ',
      'left room ',
      'joined room ann',
    ]);
    expect(await service.members('room')).toEqual([{ connectionId: a.id, as: 'ann', info: undefined }]);
  });

  it('keep their info when they join again without options', async () => {
    const [[a]] = [await connect()];
    service.join(a, 'room', { info: 'kept' });
    service.join(a, 'room');
    expect(await service.members('room')).toEqual([{ connectionId: a.id, info: 'kept' }]);
  });

  it('have a frozen copy of their info', async () => {
    const [[a]] = [await connect()];
    const info = { list: [{ name: 'before' }] };
    service.join(a, 'room', { info });
    info.list[0]!.name = 'after';
    const [member] = await service.members('room');
    expect(member?.info).toEqual({ list: [{ name: 'before' }] });
    const { list } = member!.info as typeof info;
    expect(() => (list[0]!.name = 'changed')).toThrow(TypeError);
    expect(() => list.push({ name: 'more' })).toThrow(TypeError);
  });

  it.each<[string, unknown]>([
    ['a Date', new Date(0)],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['something nested that is not JSON', { a: [{ b: new Map() }] }],
    ['NaN', Number.NaN],
    ['1 025 bytes', 'x'.repeat(1_023)],
    ['1 025 bytes in two-byte characters', `é${'é'.repeat(511)}`],
  ])('cannot have %s as info', async (_what, info) => {
    const [[a]] = [await connect()];
    const events = record();
    expect(() => service.join(a, 'room', { info })).toThrow(InvalidOptionError);
    expect([events, await service.members('room')]).toEqual([[], []]);
  });

  it.each<[string, unknown]>([
    ['1 024 bytes', 'x'.repeat(1_022)],
    ['null', null],
    ['false', false],
    ['an empty list', []],
    ['names of prototypes', JSON.parse('{"__proto__":{"a":1},"constructor":2}')],
  ])('can have %s as info', async (_what, info) => {
    const [[a]] = [await connect()];
    service.join(a, 'room', { info });
    expect(JSON.stringify((await service.members('room'))[0]!.info)).toBe(JSON.stringify(info));
  });

  it.each<[string, JoinOptions]>([
    ['an empty name', { as: '' }],
    ['a name of 256 characters', { as: 'x'.repeat(256) }],
    ['a name that is no string', { as: 1 as never }],
    ['an option that does not exist', { information: 1 } as never],
    ['options that are no object', 'info' as never],
  ])('cannot join with %s', async (_what, options) => {
    const [[a]] = [await connect()];
    expect(() => service.join(a, 'room', options)).toThrow(InvalidOptionError);
    expect(await service.countMembers('room')).toBe(0);
  });

  it.each(['', '__proto__', 'ї', '\u0000', '\uD800'])('may be in a group of any name: %j', async (group) => {
    const [[a]] = [await connect()];
    const events = record();
    service.join(a, group, { info: 1 });
    expect(await service.members(group)).toEqual([{ connectionId: a.id, info: 1 }]);
    service.leave(a, group);
    expect(events).toEqual([`joined ${group} 1`, `left ${group} 1`]);
  });

  it('that are gone join nothing', async () => {
    const [[a, client]] = [await connect()];
    await client.close();
    await app.get(Main).left.promise;
    const events = record();
    service.join(a, 'room', { info: 1 });
    expect([events, await service.countMembers('room')]).toEqual([[], 0]);
  });

  it('that joined before the first listener was added are announced only when they leave', async () => {
    const [[a], [b]] = [await connect(), await connect()];
    service.join(a, 'room', { as: 'ann' });
    const events = record();
    service.join(b, 'room', { as: 'ann' });
    service.leave(a, 'room');
    service.leave(b, 'room');
    expect(events).toEqual(['left room ann']);
  });

  it('are announced in the same order to each listener, also when a listener changes groups', async () => {
    const [[a], [b]] = [await connect(), await connect()];
    service.once('joined', () => {
      service.leave(a, 'room');
      service.join(b, 'room', { info: 'b' });
    });
    const events = record();
    service.join(a, 'room', { info: 'a' });
    expect(events).toEqual(['joined room "a"', 'left room "a"', 'joined room "b"']);
  });

  it('are announced though a listener fails, which is logged', async () => {
    const [[a]] = [await connect()];
    service.on('joined', () => {
      throw new Error('out of order');
    });
    service.on('joined', async () => Promise.reject(new Error('rejected')));
    const events = record();
    service.join(a, 'room');
    expect(events).toEqual(['joined room ']);
    expect(await app.logger.logged('error', 'out of order')).toContain("the service's event joined failed");
    await app.logger.logged('error', 'rejected');
  });

  it('are announced on diagnostics channels', async () => {
    const [[a]] = [await connect()];
    const published: object[] = [];
    const listen = (message: unknown) => void published.push(message as object);
    subscribe('nestjs-webwire:group:joined', listen);
    service.on('joined', () => undefined);
    service.join(a, 'room');
    unsubscribe('nestjs-webwire:group:joined', listen);
    expect(published).toEqual([{ group: 'room', connectionId: a.id, info: undefined, service }]);
  });

  it('leave when the application is closed', async () => {
    const [[a]] = [await connect()];
    const events = record();
    service.join(a, 'room', { info: 'a' });
    await app.close();
    expect(events).toEqual(['joined room "a"', 'left room "a"']);
  });

  it('match the events of any sequence of changes', async () => {
    const connections = [await connect(), await connect(), await connect(), await connect()].map(([each]) => each);
    const seen = new Map<string, string>();
    const idOf = ({ group, connectionId, as }: GroupMemberEvent) => `${group}/${as ?? connectionId}`;
    service.on('joined', (event) => {
      expect(seen.has(idOf(event))).toBe(false);
      seen.set(idOf(event), JSON.stringify(event.info));
    });
    service.on('left', (event) => {
      expect(seen.get(idOf(event))).toBe(JSON.stringify(event.info));
      seen.delete(idOf(event));
    });
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let step = 0; step < 2_000; step++) {
      const [connection, group] = [connections[random(4)]!, `g${random(3)}`];
      if (random(3) === 0) service.leave(connection, group);
      else {
        const options = [undefined, {}, { info: random(2) }, { as: `n${random(2)}`, info: random(2) }][random(4)];
        service.join(connection, group, options);
      }
      const members: [string, string][] = [];
      for (const name of ['g0', 'g1', 'g2']) {
        const listed = await service.members(name);
        expect(await service.countMembers(name)).toBe(listed.length);
        for (const member of listed) members.push([idOf({ group: name, ...member }), JSON.stringify(member.info)]);
      }
      expect(new Map(members)).toEqual(seen);
    }
  });
});

describe('the members of groups in a cluster of an application that does not provide presence', () => {
  it('are those of this node', async () => {
    const cluster = {
      places: { take: async () => Promise.reject(new Error('not used')) },
      start: async () => Promise.resolve(),
      stop: async () => Promise.resolve(),
      publish() {},
      join() {},
      leave() {},
      synchronized: async () => Promise.resolve(),
    } as unknown as Cluster;
    const app = await TestApp.start({ providers: [Main] }, { cluster, sessions: false });
    const service = app.get(WebwireService);
    const events: GroupMemberEvent[] = [];
    service.on('joined', (event) => void events.push(event));
    await app.connect();
    const [connection] = service.connections;
    service.join(connection!, 'room', { info: 1 });
    const member = { connectionId: connection!.id, info: 1 };
    expect([await service.members('room'), await service.countMembers('room')]).toEqual([[member], 1]);
    expect(events).toEqual([{ group: 'room', ...member }]);
    await app.close();
  });
});
