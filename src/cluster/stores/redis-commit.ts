/**
 * The script that commits at a Redis server: the one place where the cluster runs code there.
 *
 * A document is a string `<version>|<sessions>|<body>`. A deleted one stays for ten minutes with no
 * body, for its version: the next has to be larger, even if the server's clock is set back. All
 * keys of a namespace have the same hash tag, so they are in one slot of a Redis Cluster.
 *
 *   KEYS   1 document   2 the session that asks, as its lease and its epoch
 *   ARGV   1 expected version, 0: no body   2 sessions named in the body, with commas
 *          3 body, '' deletes   4 milliseconds to keep, 0: forever   5 prefix of the namespace
 *          6 name of the object   7 epoch   then, for each ring, a session and milliseconds
 *
 * Replies: `{1, version, now}` done; `{0, now, version, body, dead…}` another version was there;
 * `{-1}` the session is dead; `{-2}` the epoch is over. An expected version of `read` only reads.
 */

/**
 * The first line of a script that the server runs even if it is out of memory: locks must be
 * released then, too.
 */
export const ALLOWED = '#!lua flags=allow-oom';

/** Milliseconds for which a deleted document leaves its version behind. */
export const TOMBSTONE_MS: number = 600_000;

export const COMMIT: string = `${ALLOWED}
local found = redis.call('MGET', KEYS[1], KEYS[2])
local reads = ARGV[1] == 'read'
if not found[2] then return {-1} end
if not reads and tonumber(ARGV[7]) < tonumber(found[2]) then return {-2} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local version, sessions, body = '0', '', ''
if found[1] then version, sessions, body = string.match(found[1], '^(%d+)|([^|]*)|(.*)$') end
if reads or (version ~= ARGV[1] and (ARGV[1] ~= '0' or body ~= '')) then
  local reply = {0, now, version, body}
  for session in string.gmatch(sessions, '[^,]+') do
    if redis.call('EXISTS', ARGV[5] .. 's:' .. session) == 0 then reply[#reply + 1] = session end
  end
  return reply
end
local stamp = string.format('%.0f', math.max(tonumber(version) + 1, time[1] * 1000000 + time[2]))
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], stamp .. '||', 'PX', ${TOMBSTONE_MS})
elseif ARGV[4] == '0' then
  redis.call('SET', KEYS[1], stamp .. '|' .. ARGV[2] .. '|' .. ARGV[3])
else
  redis.call('SET', KEYS[1], stamp .. '|' .. ARGV[2] .. '|' .. ARGV[3], 'PX', ARGV[4])
end
for i = 8, #ARGV, 2 do
  local hint = ARGV[i + 1] .. '|' .. ARGV[6]
  if ARGV[3] ~= '' and #ARGV[3] < 4096 then
    hint = hint .. '\\n' .. stamp .. '|' .. now .. '|' .. ARGV[3]
  end
  redis.call('PUBLISH', ARGV[5] .. 'r:' .. ARGV[i], hint)
end
return {1, stamp, now}
`;

/** Raises the epoch of a session, and keeps its lease. `0`: the session is dead. */
export const FENCE: string = `${ALLOWED}
local epoch = redis.call('GET', KEYS[1])
if not epoch then return 0 end
if tonumber(epoch) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'XX', 'KEEPTTL') end
return 1
`;
