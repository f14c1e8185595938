import { Script } from './script.js';

/**
 * How long places are kept in Redis without being confirmed, and how long it is remembered that a session was closed, in
 * ms. Within this time, a node that was away learns of sessions that were closed meanwhile.
 */
export const PLACE_LIFETIME = 60 * 60 * 1000;

/**
 * How places in a session are kept: a set of `<epoch>/<place>`, and for a while after the session was closed, a key
 * that says by which node. Each script runs as a whole, on whatever node it was asked for, and touches the keys of one session only.
 *
 * The epochs of dead nodes come as arguments, from those who have seen that their leases are gone. An epoch
 * never comes back to life, so it does no harm if they have seen that a while ago.
 */

/** Removes the places of dead epochs (`ARGV[first]` and following); gives how many. */
const PURGE = `
local function purge(first)
  local dead, removed = {}, 0
  for i = first, #ARGV do dead[ARGV[i]] = true end
  if next(dead) == nil then return 0 end
  for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    if dead[string.match(member, '^[^/]*')] then removed = removed + redis.call('SREM', KEYS[1], member) end
  end
  return removed
end
`;

/**
 * KEYS: places, closed. ARGV: place, limit (-1 for none), whether the session is new, ms to live, dead epochs.
 * Gives 1 for a place; 0 and the places that there are, if there are too many; -1 for a session that was closed.
 */
export const TAKE = new Script(`${PURGE}
if ARGV[3] == '1' then redis.call('DEL', KEYS[2])
elseif redis.call('EXISTS', KEYS[2]) == 1 then return {-1} end
purge(5)
local limit = tonumber(ARGV[2])
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 then
  if limit >= 0 and redis.call('SCARD', KEYS[1]) >= limit then return {0, redis.call('SMEMBERS', KEYS[1])} end
  redis.call('SADD', KEYS[1], ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {1}
`);

/**
 * KEYS: places, closed. ARGV: place, its name in an earlier epoch, ms to live. Gives 1 when it is there, whatever
 * the limit; 0 if the session was closed.
 */
export const CONFIRM = new Script(`
if ARGV[1] ~= ARGV[2] then redis.call('SREM', KEYS[1], ARGV[2]) end
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('SREM', KEYS[1], ARGV[1])
  return 0
end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`);

/**
 * KEYS: places, closed. ARGV: place, node, ms to remember that it has closed the session, dead epochs. Gives 1 if this
 * removed the last place; else 0 and the places that are left.
 */
export const CLOSE_MEMBERSHIP = new Script(`${PURGE}
local removed = redis.call('SREM', KEYS[1], ARGV[1]) + purge(4)
if redis.call('EXISTS', KEYS[1]) == 1 then return {0, redis.call('SMEMBERS', KEYS[1])} end
if removed == 0 then return {0, {}} end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {1}
`);

/**
 * KEYS: places, closed. ARGV: node, ms to remember that it has closed the session, dead epochs. Gives 1 if this node
 * has closed it, now or before; else 0 and the places that are left.
 */
export const CLOSE_UNHELD = new Script(`${PURGE}
purge(3)
if redis.call('EXISTS', KEYS[1]) == 1 then return {0, redis.call('SMEMBERS', KEYS[1])} end
local by = redis.call('GET', KEYS[2])
if by and by ~= ARGV[1] then return {0, {}} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {1}
`);

/**
 * KEYS: places, closed, channel of the session. ARGV: node, ms to remember that it has closed it, what to publish. Gives the places
 * that there were.
 */
export const CLOSE_ALL = new Script(`
local members = redis.call('SMEMBERS', KEYS[1])
if #members > 0 then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  redis.call('SPUBLISH', KEYS[3], ARGV[3])
end
return members
`);
