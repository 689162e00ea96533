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
 * Replies: `{1, now, reply…}`, see `replyIn`. `{0, kind}`: an object of another kind has the name.
 * `{-1}`, `{-2}` are those of the commit (redis-commit.ts).
 */

import type { CallId } from '../machines/machine.ts';
import { KEPT_MS } from '../machines/once.ts';
import type { QueueCall, QueueReply } from '../machines/queue.ts';
import { TOMBSTONE_MS } from './redis-commit.ts';

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

-- Calls of join that may return.
local freed = {}
local function finish()
  if not counts then return end
  left = math.max(0, left - 1)
  change()
  if left > 0 then return end
  for _, id in ipairs(joins) do freed[#freed + 1] = id end
  joins = {}
end
local function fits(most, ahead) return most == 0 or size() + ahead < most end
local function lookLater()
  local first = math.huge
  for _, delivery in ipairs(out) do first = math.min(first, delivery[2]) end
  return 'w' .. format('%.0f', first == math.huge and 0 or math.max(1, first - now))
end

-- An id is larger than all before it, even if the clock is set back.
local order = 0
local function append(id, text)
  if order == 0 then
    for _, delivery in ipairs(out) do order = math.max(order, tonumber(delivery[3])) end
    for _, item in ipairs(back) do order = math.max(order, tonumber(item[1])) end
  end
  order = math.max(stamp, order + 1)
  local function add()
    return redis.pcall('XADD', stream, format('%.0f', order) .. '-0', 'p', id, 't', text)
  end
  local added = add()
  if type(added) == 'table' and added.err and string.find(added.err, 'equal or smaller', 1, true) then
    local info = call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then order = tonumber(match(info[i + 1], '^%d+')) + 1 end
    end
    added = add()
  end
  if type(added) == 'table' then return added end
  countBy(1)
  changed = true
  return format('%.0f', order)
end

local perform = {}
function perform.put(id, about, text)
  local most, wait = match(about, '^(%d+) ([01])$')
  most = tonumber(most)
  if not fits(most, 0) then
    if wait == '0' then return 'b' end
    if not indexOf(putters, id) then
      putters[#putters + 1] = {id, most}
      change()
    end
    return lookLater()
  end
  local added = append(id, text)
  if type(added) == 'table' then return added end
  if counts then
    left = left + 1
    change()
  end
  forget(function(each) return each == id end)
  return 'p' .. added
end

local function reply(order, tries, put, text)
  return 'i' .. order .. ' ' .. format('%.0f', tries) .. ' ' .. put .. ' ' .. text
end
local function take(op, id, about)
  local wait, visible = match(about, '^([01]) (%d+)$')
  local known = indexOf(out, id)
  if known then
    local _, _, order, tries, put, text = unpack(out[known])
    if text == '' then put, text = entryAt(order) end
    if text then return reply(order, tries, put, text) end
    table.remove(out, known)
  end
  local order, tries, put, text, isHere
  while back[1] and not text do
    order, tries, put, text = unpack(table.remove(back, 1))
    isHere = text ~= ''
    if not isHere then put, text = entryAt(order) end
    change()
  end
  if not text then
    local newest = 0
    for _, delivery in ipairs(out) do newest = math.max(newest, tonumber(delivery[3])) end
    local from = newest == 0 and '-' or '(' .. format('%.0f', newest) .. '-0'
    local entry = call('XRANGE', stream, from, '+', 'COUNT', 1)[1]
    if not entry then
      if wait == '0' then return 'b' end
      if not indexOf(takers, id) then
        takers[#takers + 1] = id
        change()
      end
      return lookLater()
    end
    order, tries, put, text, isHere = match(entry[1], '^%d+'), 0, entry[2][2], entry[2][4], false
  end
  tries = tries + 1
  changed = true
  countBy(-1)
  forget(function(each) return each == id end)
  if op == 'receive' then
    out[#out + 1] = {id, now + visible, order, tries, isHere and put or '', isHere and text or ''}
    change()
  elseif not isHere then
    delete(order)
  end
  return reply(order, tries, put, text)
end
function perform.get(id, about) return take('get', id, about) end
function perform.receive(id, about) return take('receive', id, about) end

function perform.ack(id, of)
  local at = indexOf(out, of)
  if not at then return 'g' end
  local delivery = table.remove(out, at)
  change()
  if delivery[6] == '' then delete(delivery[3]) end
  finish()
  return 'd'
end
function perform.nack(id, of)
  local at = indexOf(out, of)
  if not at then return 'g' end
  takeBack(at)
  return 'd'
end
function perform.unput(id, about)
  local order, of = match(about, '^(%d+) (.+)$')
  for _, delivery in ipairs(out) do if delivery[3] == order then return 'g' end end
  local at = indexOf(back, order)
  local isHere = at and back[at][4] ~= ''
  local put = isHere and back[at][3] or entryAt(order)
  if put ~= of then return 'g' end
  if at then
    table.remove(back, at)
    change()
  end
  if not isHere then delete(order) end
  changed = true
  countBy(-1)
  finish()
  return 'd'
end
function perform.back(id, about, text)
  local order, tries, put = match(about, '^(%d+) (%d+) (.+)$')
  putBack(order, tonumber(tries), put, text)
  return 'd'
end
function perform.leave(id)
  forget(function(each) return each == id end)
  return 'd'
end
function perform.done()
  if left == 0 then return 't' end
  finish()
  return 'd'
end
function perform.join(id, joining)
  local waits = indexOf(joins, id)
  if left == 0 or not (waits or joining == '1') then return 'd' end
  if not waits then
    joins[#joins + 1] = id
    change()
  end
  return 'w0'
end
function perform.look()
  return format('v%.0f %.0f %.0f %.0f', size(), #out, left, #takers + #putters + #joins)
end

local replies, writes = {1, now}, false
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

/** The state in a queue's document, beside its stream. */
export interface KeptQueue {
  readonly left: number;
  readonly out: readonly [
    call: CallId,
    until: number,
    order: string,
    tries: number,
    put: string,
    text: string,
  ][];
  readonly back: readonly [order: string, tries: number, put: string, text: string][];
  readonly takers: readonly CallId[];
  readonly putters: readonly [call: CallId, most: number][];
  readonly joins: readonly CallId[];
}

/** The number of items that wait in a queue whose stream has that many entries. */
export function waitingIn({ out, back }: KeptQueue, entries: number): number {
  const delivered = out.filter(([, , , , , text]) => text === '').length;
  const beside = back.filter(([, , , text]) => text !== '').length;
  return entries - delivered + beside;
}

/** A call as four arguments of the script. */
export function argumentsOf(call: QueueCall): readonly [op: string, id: string, about: string, text: string] {
  const { op } = call;
  if (op === 'look') return [op, '', '', ''];
  const id = call.call;
  switch (op) {
    case 'put':
      return [op, id, `${call.most} ${call.wait ? 1 : 0}`, call.text];
    case 'get':
      return [op, id, `${call.wait ? 1 : 0} 0`, ''];
    case 'receive':
      return [op, id, `${call.wait ? 1 : 0} ${call.visible}`, ''];
    case 'ack':
    case 'nack':
      return [op, id, call.of, ''];
    case 'unput':
      return [op, id, `${call.order} ${call.of}`, ''];
    case 'back': {
      const [order, text, tries, put] = call.item;
      return [op, id, `${order} ${tries} ${put}`, text];
    }
    case 'join':
      return [op, id, call.joins ? '1' : '0', ''];
    default:
      return [op, id, '', ''];
  }
}

const PLAIN: Readonly<Record<string, QueueReply>> = {
  d: { is: 'done' },
  b: { is: 'busy' },
  g: { is: 'gone' },
  t: { is: 'tooMany' },
};

/** Reads the script's reply to one call: a letter, followed by its data. */
export function replyIn(text: string): QueueReply {
  const letter = text[0]!;
  const plain = PLAIN[letter];
  if (plain !== undefined) return plain;
  if (letter === 'w') return { is: 'waiting', look: Number(text.slice(1)) };
  if (letter === 'p') return { is: 'put', order: Number(text.slice(1)) };
  if (letter === 'v') {
    const [size, received, unfinished, waiting] = text.slice(1).split(' ').map(Number);
    return {
      is: 'view',
      view: { size: size!, received: received!, unfinished: unfinished!, waiting: waiting! },
    };
  }
  const [order, tries, put] = text.slice(1).split(' ', 3) as [string, string, string];
  const item = text.slice(4 + order.length + tries.length + put.length);
  return { is: 'got', item: [Number(order), item, Number(tries), put] };
}
