/**
 * The part of the queue's script (redis-queue.ts) that makes a call: a function for each operation
 * of the machine.
 */

export const PERFORM: string = `-- Calls of join that may return.
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

`;
