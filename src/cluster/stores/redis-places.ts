/**
 * The script that takes, leaves and gives places at a Redis server, in one round trip and without
 * conflicts. It is `machines/places.ts` in Lua, for three of its calls.
 *
 * The machine stays the law. The script gives the replies, writes the documents and rings the bells
 * that the machine would; tests/cluster/places-script.test.ts runs both on random histories. Where
 * a document contains something that the script does not know, the script changes nothing and
 * returns the document. The process then runs the machine, and commits. The script does not know
 * notifications. It leaves calls that wait for one, or would pass one on, to the machine.
 *
 *   KEYS   1 document   2 the session that calls, as its lease and its epoch
 *   ARGV   1 operation: take, try (take without waiting), leave, give   2 epoch
 *          3 `|<session>|<body>` where the call alone holds a lock, or ''
 *          4 with spaces: kind, places in all, places, claim time, the most that may be free after
 *            `give`, `1` if the body is wanted too, `since` or 0, call
 *
 * Replies: `<version>` where the call came to a free lock, or was alone and left it. Or
 * `<version>|<milliseconds>|<reply>`, and on a line of its own the body if it was asked for.
 * `{-1}`, `{-2}` and `{0, …}` are those of the commit (redis-commit.ts): not done.
 */

import { ALLOWED, TOMBSTONE_MS } from './redis-commit.ts';
import { DOCUMENT } from './redis-places-document.ts';

export const PLACES: string = `${ALLOWED}
local call, sub = redis.call, string.sub
local op = ARGV[1]
local found = call('MGET', KEYS[1], KEYS[2])
local raw, epoch = found[1], found[2]
if not epoch then return {-1} end
if epoch ~= ARGV[2] and tonumber(ARGV[2]) < tonumber(epoch) then return {-2} end
local time = call('TIME')
local stamp = time[1] .. sub('00000' .. time[2], -6)

-- The common cases: a lock that is free, and one whose holder goes with nobody waiting.
local alone = ARGV[3]
if alone ~= '' and (not raw or raw < stamp) then
  local rest = raw and sub(raw, #stamp + 1) or '||'
  if op == 'leave' then
    if rest == alone then
      call('SET', KEYS[1], stamp .. '||', 'PX', ${TOMBSTONE_MS})
      return stamp
    end
  elseif rest == '||' then
    call('SET', KEYS[1], stamp .. alone)
    return stamp
  end
end

local format, match = string.format, string.match
local kind, inAll, wanted, claim, most, wantsBody, since, id =
  match(ARGV[4], '^(%w+) (%d+) (%d+) (%S+) (%d+) ([01]) (%d+) (.+)$')
local version, sessions, body = '0', '', ''
if raw then version, sessions, body = match(raw, '^(%d+)|([^|]*)|(.*)$') end
-- The server's microseconds, or one more than the last version.
if #version > #stamp or (#version == #stamp and version >= stamp) then
  stamp = format('%.0f', tonumber(version) + 1)
end
local owned = kind ~= 'Semaphore'
local keeps = not owned
local tells = owned and kind ~= 'BoundedSemaphore'
local me = match(id, '^[^/]+')
local gmatch, find = string.gmatch, string.find
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local number = tonumber(sub(id, #me + 2))
local prefix = sub(KEYS[2], 1, -#me - 3)
local dead, anyDead = {}, false
local others = {}
for session in gmatch(sessions, '[^,]+') do
  if session ~= me then others[#others + 1] = prefix .. 's:' .. session end
end
if #others > 4000 then return {0, now, version, body} end
local allLive = #others == 0 or call('EXISTS', unpack(others)) == #others

-- Writes the document, rings, and makes the reply.
local function finish(text, named, keep, rings, reply)
  if text == '' then
    call('SET', KEYS[1], stamp .. '||', 'PX', ${TOMBSTONE_MS})
  elseif keep then
    call('SET', KEYS[1], stamp .. '|' .. named .. '|' .. text, 'PX', keep)
  else
    call('SET', KEYS[1], stamp .. '|' .. named .. '|' .. text)
  end
  local fresh = ''
  if text ~= '' and #text < 4096 then fresh = '\\n' .. stamp .. '|' .. now .. '|' .. text end
  local name = sub(KEYS[1], #prefix + 3)
  -- Redis sends first what was published last: the call that may go in, not the one that waits.
  for i = #rings, 1, -1 do
    local to, after = match(rings[i][1], '^[^/]+'), rings[i][2]
    call('PUBLISH', prefix .. 'r:' .. to, after .. '|' .. name .. (after == '0' and fresh or ''))
  end
  return stamp .. '|' .. now .. '|' .. reply .. (wantsBody == '1' and '\\n' .. text or '')
end

-- A lock that others wait for, all of them alive: its texts are cut and joined as they are.
if tells and allLive and inAll == '1' then
  local frame = '{"kind":"' .. kind .. '","state":{"state":{"of":1,"free":0,"holders":'
  local holders, offers, queue = match(body, '^' .. frame
    .. '(%b[]),"offers":(%b[]),"queue":(%b[]),"waits":{},"hurt":0},"made":%[%]}}$')
  local standsUntil = offers and match(offers, '^%[%["[^"]+",1,(%d+),"[^"]*"%]%]$')
  local function write(its, offered, waiting, named, rings, reply)
    local text = frame .. its .. ',"offers":' .. offered .. ',"queue":' .. waiting
      .. ',"waits":{},"hurt":0},"made":[]}}'
    return finish(text, named, nil, rings, reply)
  end
  local known = find(body, '"' .. id .. '"', 1, true)
  if not holders or (offers ~= '[]' and not (standsUntil and tonumber(standsUntil) > now)) then
    -- Not so: see below.
  elseif op == 'leave' and offers == '[]' and match(holders, '^%[%["([^"]+)",1,%d+,[01]%]%]$') == id then
    local first, note, rest = match(queue, '^%[%["([^"]+)",1,("[^"\\]*")%],?(.*)$')
    if first then
      local nextOne = match(rest, '^%["([^"]+)",1,"[^"\\]*"%]')
      if nextOne or rest == ']' then
        local rings = {{first, '0'}}
        if nextOne then rings[2] = {nextOne, claim} end
        local offered = '[["' .. first .. '",1,' .. format('%.0f', now + claim) .. ',' .. note .. ']]'
        local named = sessions
        if not find(queue, '"' .. me .. '/', 1, true) then
          named = sub(string.gsub(',' .. sessions .. ',', ',' .. string.gsub(me, '%-', '%%-') .. ',', ','), 2, -2)
        end
        return write('[]', offered, '[' .. rest, named, rings, '{"is":"done","count":1}')
      end
    end
  elseif op == 'take' and holders == '[]' and match(offers, '^%[%["([^"]+)"') == id then
    local its = '[["' .. id .. '",1,' .. since .. ',0]]'
    return write(its, '[]', queue, sessions, {}, '{"is":"held","token":' .. since .. ',"recovered":false}')
  elseif op == 'take' and not known then
    local its = holders
    local holder, token, told = match(holders, '^%[%["([^"]+)",1,(%d+),([01])%]%]$')
    if holder and token == '0' then its = '[["' .. holder .. '",1,' .. version .. ',' .. told .. ']]' end
    local waiting = (queue == '[]' and '[' or sub(queue, 1, -2) .. ',') .. '["' .. id .. '",1,""]]'
    local named = sessions
    if not find(',' .. sessions .. ',', ',' .. me .. ',', 1, true) then named = sessions .. ',' .. me end
    local look = standsUntil and math.min(tonumber(claim), math.max(1, standsUntil - now)) or 0
    if holder or holders == '[]' then
      return write(its, offers, waiting, named, {}, '{"is":"waiting","look":' .. look .. '}')
    end
  end
end

local function findDead()
  for _, key in ipairs(others) do
    if call('EXISTS', key) == 0 then
      dead[sub(key, #prefix + 3)] = true
      anyDead = true
    end
  end
end
local function isDead(entry) return anyDead and dead[match(entry[1], '^[^/]+')] end

local function leaveToMachine()
  local reply = {0, now, version, body}
  for session in pairs(dead) do reply[#reply + 1] = session end
  return reply
end
if not allLive then findDead() end

${DOCUMENT}`;
