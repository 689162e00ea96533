/**
 * The script that commits at a Redis server: the one place where the cluster runs code there.
 *
 * A document is a string `<version>|<sessions>|<body>`: one GET reads it, one SET writes it. All
 * keys
 * of a namespace have the same hash tag, so that they are in one slot of a Redis Cluster.
 *
 *   KEYS   1 document   2 the session that commits   3 the last version of the namespace
 *   ARGV   1 expected version   2 sessions named in the body, with commas   3 body, '' deletes
 *          4 milliseconds to keep, 0: for ever   5 prefix of session keys   6 prefix of channels
 *          7 name of the object   8 epoch   then, for each ring, a session and milliseconds
 *
 * Replies: `{1, version, now}` done; `{0, now, version, body, dead…}` another version was there;
 * `{-1}` the session is dead; `{-2}` the epoch is over. The same script without a session
 * (`KEYS[2]` empty) only reads.
 */

export const COMMIT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reads = ARGV[1] == 'read'
if not reads then
  local epoch = redis.call('GET', KEYS[2])
  if not epoch then return {-1} end
  if tonumber(ARGV[8]) < tonumber(epoch) then return {-2} end
end
local stored = redis.call('GET', KEYS[1])
local version, sessions, body = '0', '', ''
if stored then version, sessions, body = string.match(stored, '^(%d+)|([^|]*)|(.*)$') end
if reads or version ~= ARGV[1] then
  local reply = {0, now, version, body}
  for session in string.gmatch(sessions, '[^,]+') do
    if redis.call('EXISTS', ARGV[5] .. session) == 0 then reply[#reply + 1] = session end
  end
  return reply
end
local stamp = math.max(tonumber(redis.call('GET', KEYS[3]) or '0') + 1, time[1] * 1000000 + time[2])
local stamped = string.format('%.0f', stamp)
redis.call('SET', KEYS[3], stamped)
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
elseif ARGV[4] == '0' then
  redis.call('SET', KEYS[1], stamped .. '|' .. ARGV[2] .. '|' .. ARGV[3])
else
  redis.call('SET', KEYS[1], stamped .. '|' .. ARGV[2] .. '|' .. ARGV[3], 'PX', ARGV[4])
end
for i = 9, #ARGV, 2 do
  local hint = ARGV[i + 1] .. '|' .. ARGV[7]
  if ARGV[3] ~= '' and #ARGV[3] < 4096 then
    hint = hint .. '\\n' .. stamped .. '|' .. now .. '|' .. ARGV[3]
  end
  redis.call('PUBLISH', ARGV[6] .. ARGV[i], hint)
end
return {1, stamped, now}
`;

/** Raises the epoch of a session, and keeps its lease. `0`: the session is dead. */
export const FENCE = `
local epoch = redis.call('GET', KEYS[1])
if not epoch then return 0 end
if tonumber(epoch) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'XX', 'KEEPTTL') end
return 1
`;
