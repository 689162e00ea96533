/**
 * The second half of the script for places (redis-places.ts): documents of every form are read into
 * tables, changed as the machine changes them, and written. The first half has the common cases.
 */

import { KEPT_MS } from '../machines/once.ts';

export const DOCUMENT: string = `-- The document. Each list becomes a table; what does not parse whole is left to the machine.
local of, free, hurt, waits = tonumber(inAll), nil, '0', '{}'
local holdersText, offersText, queueText, madeText = '[]', '[]', '[]', '[]'
local had = false
if body == '' then
  free = of
else
  local its, inner
  its, inner, madeText = match(body, '^{"kind":"(%w+)","state":{"state":(.*),"made":(%b[])}}$')
  if its ~= kind then return leaveToMachine() end
  if inner == 'null' then
    free = of
  else
    had = true
    local total
    total, free, holdersText, offersText, queueText, waits, hurt = match(inner,
      '^{"of":(%d+),"free":(%d+),"holders":(%b[]),"offers":(%b[]),"queue":(%b[]),"waits":(%b{}),"hurt":([01])}$')
    if not total then return leaveToMachine() end
    free = tonumber(free)
    if kind == 'Semaphore' then
      of = tonumber(total)
    elseif tonumber(total) ~= of then
      return version .. '|' .. now .. '|{"is":"differs","of":' .. total .. '}'
    end
  end
end
local whole = true
local function parse(text, pattern)
  local list, length = {}, 1
  if text == '[]' then return list end
  for all, a, b, c, d in gmatch(text, pattern) do
    list[#list + 1] = {a, tonumber(b), c, d}
    length = length + #all + 1
  end
  whole = whole and length == #text
  return list
end
local holders = parse(holdersText, '(%["([^"]+)",(%d+),(%d+),([01])%])')
local offers = parse(offersText, '(%["([^"]+)",(%d+),(%d+),("[^"\\\\]*")%])')
local queue = parse(queueText, '(%["([^"]+)",(%d+),("[^"\\\\]*")%])')
local made = parse(madeText, '(%["([^"]+)",(%d+),(%b{})%])')
if not whole then return leaveToMachine() end
if waits ~= '{}' and (anyDead or find(waits, '"' .. id .. '"', 1, true)) then return leaveToMachine() end
for _, holder in ipairs(holders) do
  if holder[3] == '0' then holder[3] = version end
end
for _, each in ipairs(made) do
  if each[2] == 0 then each[2] = tonumber(version) end
  if each[1] == id and kind == 'Semaphore' and op ~= 'leave' then
    return format('%.0f', each[2]) .. '|' .. now .. '|' .. each[3]
  end
end

local rings, passesOn = {}, false
local changed = body == '' and keeps

local function indexOf(list, one)
  for i, entry in ipairs(list) do
    if entry[1] == one then return i end
  end
end
local function without(list, goes)
  local kept, gone = {}, {}
  for _, entry in ipairs(list) do
    if goes(entry) then gone[#gone + 1] = entry else kept[#kept + 1] = entry end
  end
  return kept, gone
end
local function enter(one, places, token)
  local told = tells and hurt or '0'
  if places == of then hurt = '0' end
  if owned then holders[#holders + 1] = {one, places, token or '0', told} end
  changed = true
end
local function join(one, places, note)
  queue[#queue + 1] = {one, places, note}
  changed = true
end
-- Takes out whatever matches. A notification that would go to another is the machine's.
local function takeOut(goes)
  local gone, any = nil, 0
  holders, gone = without(holders, goes)
  for _, entry in ipairs(gone) do free = free + entry[2] end
  any = any + #gone
  offers, gone = without(offers, goes)
  for _, entry in ipairs(gone) do
    free = free + entry[2]
    passesOn = passesOn or entry[4] ~= '""'
  end
  any = any + #gone
  queue, gone = without(queue, goes)
  for _, entry in ipairs(gone) do passesOn = passesOn or entry[3] ~= '""' end
  any = any + #gone
  if any > 0 then changed = true end
  return any
end
local function serve(self)
  local offered, served = 0, 0
  while queue[served + 1] and queue[served + 1][2] <= free do
    served = served + 1
    local head = queue[served]
    free = free - head[2]
    changed = true
    if head[1] == self then
      enter(head[1], head[2])
    else
      offers[#offers + 1] = {head[1], head[2], format('%.0f', now + claim), head[3]}
      rings[#rings + 1] = {head[1], '0'}
      offered = offered + 1
    end
  end
  if served > 0 then
    local rest = {}
    for i = served + 1, #queue do rest[#rest + 1] = queue[i] end
    queue = rest
  end
  if offered > 0 and queue[1] then rings[#rings + 1] = {queue[1][1], claim} end
end
local function leave()
  return takeOut(function(entry) return entry[1] == id end)
end
local function heldReply(token)
  local i = indexOf(holders, id)
  local recovered = i and holders[i][4] == '1' and 'true' or 'false'
  return '{"is":"held","token":' .. token .. ',"recovered":' .. recovered .. '}'
end

-- The dead go, and whoever has not claimed in time goes to the tail.
if anyDead then
  for _, holder in ipairs(holders) do
    if tells and holder[2] == of and isDead(holder) then hurt = '1' end
  end
  takeOut(isDead)
end
local late
local claims = op ~= 'leave' and op ~= 'give' and id
offers, late = without(offers, function(offer) return tonumber(offer[3]) <= now and offer[1] ~= claims end)
for _, offer in ipairs(late) do
  free = free + offer[2]
  join(offer[1], offer[2], offer[4])
end

local function take(places, wait)
  local i = indexOf(holders, id)
  if i then return heldReply(holders[i][3]) end
  i = indexOf(offers, id)
  if i then
    local offer = table.remove(offers, i)
    enter(id, offer[2], since)
    serve()
    return heldReply(owned and since or '0')
  end
  local before = changed
  if not indexOf(queue, id) then join(id, places, '""') end
  serve(id)
  if not indexOf(queue, id) then return heldReply('0') end
  if wait then
    local look = 0
    if offers[1] then
      look = math.huge
      for _, offer in ipairs(offers) do look = math.min(look, tonumber(offer[3])) end
      look = math.min(tonumber(claim), math.max(1, look - now))
    end
    return '{"is":"waiting","look":' .. format('%.0f', look) .. '}'
  end
  leave()
  if #rings == 0 then changed = before end
  return '{"is":"busy"}'
end

local reply
if op == 'take' or op == 'try' then
  reply = take(tonumber(wanted), op == 'take')
elseif op == 'leave' then
  local left = leave()
  serve()
  reply = '{"is":"done","count":' .. left .. '}'
elseif free + wanted > tonumber(most) then
  reply = '{"is":"tooMany"}'
else
  free = free + wanted
  changed = true
  serve()
  reply = '{"is":"done","count":' .. wanted .. '}'
end
if passesOn then return leaveToMachine() end

local idle = free == of and #holders + #offers + #queue == 0 and waits == '{}' and hurt == '0' and not keeps
if not changed or (idle and not had) then
  local told = version .. '|' .. now .. '|' .. reply
  if wantsBody == '1' then told = told .. '\\n' .. body end
  return told
end

made = without(made, function(entry)
  local whose, which = match(entry[1], '^(.*)/(%d+)$')
  if dead[whose] or (whose == me and tonumber(which) < number) then return true end
  return entry[2] / 1000 <= now - ${KEPT_MS}
end)
if not owned and (op == 'give' or find(reply, '"held"', 1, true)) then
  made[#made + 1] = {id, 0, reply}
end

local function text(list, write)
  local parts = {}
  for i, entry in ipairs(list) do parts[i] = write(entry) end
  return '[' .. table.concat(parts, ',') .. ']'
end
local function head(entry) return '["' .. entry[1] .. '",' .. format('%.0f', entry[2]) .. ',' end
if idle and #made == 0 then return finish('', '', nil, rings, reply) end
local inner = 'null'
if not idle then
  inner = '{"of":' .. of .. ',"free":' .. free
    .. ',"holders":' .. text(holders, function(e) return head(e) .. e[3] .. ',' .. e[4] .. ']' end)
    .. ',"offers":' .. text(offers, function(e) return head(e) .. e[3] .. ',' .. e[4] .. ']' end)
    .. ',"queue":' .. text(queue, function(e) return head(e) .. e[3] .. ']' end)
    .. ',"waits":' .. waits .. ',"hurt":' .. hurt .. '}'
end
local madeNow = text(made, function(e) return head(e) .. e[3] .. ']' end)
local after = '{"kind":"' .. kind .. '","state":{"state":' .. inner .. ',"made":' .. madeNow .. '}}'
local named, list = {}, {}
for session in gmatch(after, '"([^"/]+)/%d+"[^:]') do
  if not named[session] then
    named[session] = true
    list[#list + 1] = session
  end
end
return finish(after, table.concat(list, ','), idle and ${KEPT_MS}, rings, reply)
`;
