import { describe, expect, it } from 'vitest';
import { Groups } from '../../lib/server/groups.js';

describe('groups', () => {
  const setUp = () => ({ groups: new Groups<string>((name) => name === 'eve'), ada: 'ada', bob: 'bob' });

  it('exist from the first member to the last', () => {
    const { groups, ada, bob } = setUp();
    groups.join(ada, 'red');
    groups.join(bob, 'red');
    groups.join(bob, 'red');
    expect([groups.size, groups.members('red')]).toEqual([1, [ada, bob]]);
    groups.leave(bob, 'red');
    expect([groups.size, groups.members('red')]).toEqual([1, [ada]]);
    groups.leave(ada, 'red');
    expect([groups.size, groups.members('red')]).toEqual([0, []]);
  });

  it('are left one by one, or all at once', () => {
    const { groups, ada, bob } = setUp();
    for (const group of ['red', 'green', 'blue']) groups.join(ada, group);
    groups.join(bob, 'red');
    groups.leave(ada, 'blue');
    expect([groups.size, groups.members('green')]).toEqual([2, [ada]]);
    groups.leaveAll(ada);
    expect([groups.size, groups.members('red')]).toEqual([1, [bob]]);
    groups.leaveAll(ada);
    expect(groups.size).toBe(1);
  });

  it('do not accept a connection that is gone', () => {
    const { groups } = setUp();
    groups.join('eve', 'red');
    expect(groups.size).toBe(0);
  });

  it('ignore the leaving of a connection that is not a member', () => {
    const { groups, ada, bob } = setUp();
    groups.join(ada, 'red');
    groups.leave(bob, 'red');
    groups.leave(ada, 'green');
    groups.leaveAll(bob);
    expect([groups.size, groups.members('red')]).toEqual([1, [ada]]);
  });

  it.each(['', '__proto__', 'constructor', 'ї', '\u0000'])('may have any name: %j', (name) => {
    const { groups, ada } = setUp();
    expect(groups.members(name)).toEqual([]);
    groups.join(ada, name);
    expect(groups.members(name)).toEqual([ada]);
  });

  it('list the members at the time of the call, even if members change while the list is used', () => {
    const { groups, ada, bob } = setUp();
    groups.join(ada, 'red');
    for (const member of groups.members('red')) {
      groups.leave(member, 'red');
      groups.join(bob, 'red');
    }
    expect(groups.members('red')).toEqual([bob]);
  });
});
