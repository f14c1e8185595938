import { Script } from './script.js';

/**
 * Lifetime of two keys, in ms: of the members of a session after the last of them was confirmed, and of the mark that a
 * session was closed. A node that was away for less than that finds the marks of sessions that were closed meanwhile.
 */
export const MEMBER_LIFETIME = 60 * 60 * 1000;

/*
 * Two keys for each session: a set of entries `<epoch>/<member>`, and for a while after the session was closed, the id of
 * the node that closed it. Each script is atomic and uses the keys of one session only, which are on one shard.
 *
 * Leases of nodes may be on other shards, so a script cannot read them. The caller reads them, and passes the epochs that
 * are dead. A dead epoch never becomes valid again, so the arguments cannot be outdated.
 */

/** Removes the entries of dead epochs (`ARGV[first]` and following); gives their number. */
const PURGE = `
local function purge(first)
  local dead, removed = {}, 0
  for i = first, #ARGV do dead[ARGV[i]] = true end
  if next(dead) == nil then return 0 end
  for _, entry in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    if dead[string.match(entry, '^[^/]*')] then removed = removed + redis.call('SREM', KEYS[1], entry) end
  end
  return removed
end
`;

/**
 * Adds an entry unless the limit is reached. KEYS: entries, closed. ARGV: entry, limit (-1 for none), '1' for a new
 * session, lifetime in ms, dead epochs. Gives 1 if the entry is present; 0 and all entries if the limit is reached; -1 if
 * the session was closed.
 */
export const ADD_MEMBER = new Script(`${PURGE}
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
 * Adds an entry regardless of the limit, in place of the entry of an earlier epoch. KEYS: entries, closed. ARGV: entry,
 * earlier entry, lifetime in ms. Gives 1; 0 if the session was closed.
 */
export const CONFIRM_MEMBER = new Script(`
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
 * Removes an entry, and closes the session if it was the last one. KEYS: entries, closed. ARGV: entry, node, lifetime of
 * the mark in ms, dead epochs. Gives 1 if it was the last entry; else 0 and the entries that are left.
 */
export const CLOSE_MEMBER = new Script(`${PURGE}
local removed = redis.call('SREM', KEYS[1], ARGV[1]) + purge(4)
if redis.call('EXISTS', KEYS[1]) == 1 then return {0, redis.call('SMEMBERS', KEYS[1])} end
if removed == 0 then return {0, {}} end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {1}
`);

/**
 * Closes a session without members. KEYS: entries, closed. ARGV: node, lifetime of the mark in ms, dead epochs. Gives 1 if
 * this node has closed it, now or before; else 0 and the entries that are left.
 */
export const CLOSE_EMPTY_SESSION = new Script(`${PURGE}
purge(3)
if redis.call('EXISTS', KEYS[1]) == 1 then return {0, redis.call('SMEMBERS', KEYS[1])} end
local by = redis.call('GET', KEYS[2])
if by and by ~= ARGV[1] then return {0, {}} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {1}
`);

/**
 * Closes a session for all its members, and publishes that. KEYS: entries, closed, channel of the session. ARGV: node,
 * lifetime of the mark in ms, message to publish. Gives the entries that were removed.
 */
export const CLOSE_SESSION = new Script(`
local entries = redis.call('SMEMBERS', KEYS[1])
if #entries > 0 then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  redis.call('SPUBLISH', KEYS[3], ARGV[3])
end
return entries
`);
