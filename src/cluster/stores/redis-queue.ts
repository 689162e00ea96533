/**
 * The script that makes calls on a queue at a Redis server: many in one round trip, without
 * conflicts, and without sending the other items. It is `machines/queue.ts` in Lua.
 *
 * The items are a stream, whose ids are `<order>-0`. The document has the rest:
 *
 *   left, takers, putters, joins   as the machine has them
 *   out    deliveries: call, until when, order, tries, put, text
 *   back   items that have come back, oldest first: order, tries, put, text
 *
 * A delivered item stays in the stream until `ack`; meanwhile its text in `out` is ''. Items are
 * delivered oldest first, so all of `out` and `back` are older than the rest of the stream. Hence
 * the oldest item is the first of `back`, or else the first entry behind the newest of `out`. The
 * stream is never searched.
 *
 * The machine stays the law. tests/cluster/queue-script.test.ts runs both on random histories, and
 * compares replies, states and rings.
 *
 * Lost replies: the calls of a session on a queue come in batches, one after another, each with a
 * larger serial number. The script keeps the last number with its replies (`record`). A batch that
 * arrives a second time gets these replies; an older one is refused. After a loss:
 *
 *   session dies before the script   nothing was done
 *   session dies after it            its waiters go, its deliveries come back, its record expires
 *   the ring comes before the reply  the caller has listened since before its call (bells.ts)
 *   the ring is lost                 every waiter looks at each renewal of its lease
 *   the batch arrives after the session has given it up   its epoch is over: refused
 *
 *   KEYS   1 document   2 the session that calls, as its lease and its epoch   3 stream   4 record
 *   ARGV   1 epoch   2 serial number   3 kind   4 `1` if items are reported done   5 claim time
 *          6 session   then four for each call: operation, call, numbers and calls, text
 *
 * Replies: `{1, now, reply…}`, see queue-calls.ts. `{0, kind}`: an object of another kind has
 * the name. `{-1}`, `{-2}` are those of the commit (redis-commit.ts).
 */

import { KEPT_MS } from '../machines/once.ts';
import { TOMBSTONE_MS } from './redis-commit.ts';
import { PERFORM } from './redis-queue-perform.ts';

export const QUEUE: string = `
local call, sub, match, format = redis.call, string.sub, string.match, string.format
local document, stream, record, me = KEYS[1], KEYS[3], KEYS[4], ARGV[6]
local found = call('MGET', document, KEYS[2])
local raw, epoch = found[1], found[2]
if not epoch then return {-1} end
if tonumber(ARGV[1]) < tonumber(epoch) then return {-2} end
local serial = ARGV[2]
local last = match(call('GETRANGE', record, 0, 19), '^%d+')
if last == serial then return cmsgpack.unpack(sub(call('GET', record), #serial + 2)) end
if last and tonumber(last) > tonumber(serial) then return {-2} end

local kind, counts, claim = ARGV[3], ARGV[4] == '1', ARGV[5]
local version, sessions, body = '0', '', ''
if raw then version, sessions, body = match(raw, '^(%d+)|([^|]*)|(.*)$') end
local left, out, back, takers, putters, joins = 0, {}, {}, {}, {}, {}
if body ~= '' then
  local whole = cjson.decode(body)
  if whole.kind ~= kind then return {0, whole.kind} end
  local state = whole.state.state
  left, out, back = state.left, state.out, state.back
  takers, putters, joins = state.takers, state.putters, state.joins
end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = time[1] * 1000000 + time[2]
local prefix = sub(KEYS[2], 1, -#me - 3)
-- Whether anything has changed, and whether the document has.
local changed, rewritten = false, body == ''
local function change() changed, rewritten = true, true end

-- The number of items that wait, counted when it is first needed.
local count
local function size()
  if not count then
    count = call('XLEN', stream)
    for _, delivery in ipairs(out) do if delivery[6] == '' then count = count - 1 end end
    for _, item in ipairs(back) do if item[4] ~= '' then count = count + 1 end end
  end
  return count
end
local function countBy(more) if count then count = count + more end end

-- The call that put the item, and its text, from the stream.
local function entryAt(order)
  local entry = call('XRANGE', stream, order .. '-0', order .. '-0')[1]
  if entry then return entry[2][2], entry[2][4] end
end
local function delete(order) call('XDEL', stream, order .. '-0') end

local function putBack(order, tries, put, text)
  local at = #back + 1
  while at > 1 and tonumber(back[at - 1][1]) > tonumber(order) do at = at - 1 end
  table.insert(back, at, {order, tries, put, text})
  countBy(1)
  change()
end
local function takeBack(at)
  local _, _, order, tries, put, text = unpack(table.remove(out, at))
  putBack(order, tries, put, text)
end
local function indexOf(list, id)
  for i, each in ipairs(list) do if each == id or each[1] == id then return i end end
end
local function forgetIn(list, goes)
  for i = #list, 1, -1 do
    local each = list[i]
    if goes(type(each) == 'table' and each[1] or each) then
      table.remove(list, i)
      change()
    end
  end
end
local function forget(goes)
  forgetIn(takers, goes)
  forgetIn(putters, goes)
  forgetIn(joins, goes)
end

-- Remove the waiters of dead sessions. Take back their deliveries, and those that are over.
local others = {}
for session in string.gmatch(sessions, '[^,]+') do
  if session ~= me then others[#others + 1] = prefix .. 's:' .. session end
end
local dead = {}
if #others > 4000 or (#others > 0 and call('EXISTS', unpack(others)) < #others) then
  for _, key in ipairs(others) do
    if call('EXISTS', key) == 0 then dead[sub(key, #prefix + 3)] = true end
  end
end
local function isDead(id) return dead[match(id, '^[^/]+')] end
if next(dead) then forget(isDead) end
for i = #out, 1, -1 do
  if out[i][2] <= now or isDead(out[i][1]) then takeBack(i) end
end

${PERFORM}local replies, writes = {1, now}, false
for i = 7, #ARGV, 4 do
  local told = perform[ARGV[i]](ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  -- The server is out of memory. It says so at the first write, so nothing was done.
  if type(told) == 'table' then return told end
  replies[#replies + 1] = told
  writes = writes or ARGV[i] ~= 'look'
end

if changed then
  local rest = #out + #takers + #putters + #joins + left
  local function text(list, write)
    local parts = {}
    for i, each in ipairs(list) do parts[i] = write(each) end
    return '[' .. table.concat(parts, ',') .. ']'
  end
  local function quoted(id) return '"' .. id .. '"' end
  if size() == 0 and rest == 0 then
    if body ~= '' then call('SET', document, format('%.0f', math.max(stamp, version + 1)) .. '||', 'PX', ${TOMBSTONE_MS}) end
    call('DEL', stream)
  elseif rewritten then
    local named, list = {}, {}
    local function name(id)
      local session = match(id, '^[^/]+')
      if not named[session] then
        named[session] = true
        list[#list + 1] = session
      end
    end
    for _, delivery in ipairs(out) do name(delivery[1]) end
    for _, id in ipairs(takers) do name(id) end
    for _, putter in ipairs(putters) do name(putter[1]) end
    for _, id in ipairs(joins) do name(id) end
    local after = '{"kind":"' .. kind .. '","state":{"state":{"left":' .. format('%.0f', left)
      .. ',"out":' .. text(out, function(e)
        return format('["%s",%.0f,"%s",%.0f,"%s",', e[1], e[2], e[3], e[4], e[5]) .. cjson.encode(e[6]) .. ']'
      end)
      .. ',"back":' .. text(back, function(e)
        return format('["%s",%.0f,"%s",', e[1], e[2], e[3]) .. cjson.encode(e[4]) .. ']'
      end)
      .. ',"takers":' .. text(takers, quoted)
      .. ',"putters":' .. text(putters, function(e) return format('["%s",%.0f]', e[1], e[2]) end)
      .. ',"joins":' .. text(joins, quoted) .. '},"made":[]}}'
    call('SET', document, format('%.0f', math.max(stamp, version + 1)) .. '|' .. table.concat(list, ',') .. '|' .. after)
  end

  -- Ring the waiters that can go on now and, a claim time later, the next. One ring a session.
  local rung = {}
  local function ring(id, later)
    local hint = later .. '|' .. sub(document, #prefix + 3)
    local channel = prefix .. 'r:' .. match(id, '^[^/]+')
    if rung[channel .. hint] then return end
    rung[channel .. hint] = true
    call('PUBLISH', channel, hint)
  end
  local function ringFirst(list, some)
    if some == 0 then return end
    for i = 1, math.min(some, #list) do ring(list[i][1] or list[i], '0') end
    local behind = list[some + 1]
    if behind then ring(behind[1] or behind, claim) end
  end
  for _, id in ipairs(freed) do ring(id, '0') end
  ringFirst(takers, size())
  local room = 0
  for i, putter in ipairs(putters) do if fits(putter[2], i - 1) then room = room + 1 end end
  ringFirst(putters, room)
end
if writes then call('SET', record, serial .. '|' .. cmsgpack.pack(replies), 'PX', ${KEPT_MS}) end
return replies
`;
