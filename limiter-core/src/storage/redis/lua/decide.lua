local charges = ARGV[1]
local strings, at = unpacked('<I4', charges)
-- Every counter as the batches so far leave it, and for how long those that changed mean something.
local values, lasting = {}, {}

if strings > 0 then
  values = call('MGET', unpack(KEYS, 1, strings))
  local missing = {}
  for place = 1, strings do
    if not values[place] then missing[#missing + 1] = KEYS[place] end
  end
  -- What is not a string was read as if it was not there.
  if #missing > 0 and call('EXISTS', unpack(missing)) > 0 then
    for place = 1, strings do
      if not values[place] and call('EXISTS', KEYS[place]) > 0 then values[place] = FOREIGN end
    end
  end
end

local function decide(at, verb, count)
  local reply, changed, micros = { 1 }, {}, {}
  for number = 1, count do
    local place, strategy, mode, amount, capacity, window, cost, charged_at
    place, strategy, mode, amount, capacity, window, cost, charged_at, at =
      unpacked('<I4BBddddd', charges, at)
    local value = changed[place]
    if value == nil then value = values[place] end
    local admitted, new, lasts, decision = strategies[strategy](
      KEYS[place], value, verb == REFUND, amount, capacity, window, cost, charged_at
    )
    if not admitted then
      if mode ~= SHADOW then reply[1] = 0 end
    elseif cost > 0 and mode ~= TEST then
      changed[place], micros[place] = new, lasts
    end
    reply[number + 1] = decision or value
  end
  if verb == REFUND or (verb == HIT and reply[1] == 1) then
    for place, value in pairs(changed) do
      if place > strings then
        save_log(KEYS[place], value, micros[place])
      else
        values[place], lasting[place] = value, micros[place]
      end
    end
  end
  return reply
end

local reply = { now }
while at <= #charges do
  local verb, count
  verb, count, at = unpacked('<BI4', charges, at)
  local is_decided, result = pcall(decide, at, verb, count)
  if is_decided then
    reply[#reply + 1] = result
  elseif result == FOREIGN then
    reply[#reply + 1] = -1
  else
    error(result, 0)
  end
  at = at + 46 * count
end

for place, micros in pairs(lasting) do
  local value = values[place]
  if value then
    call('SET', KEYS[place], value, 'PX', time_to_live(micros))
  else
    call('DEL', KEYS[place])
  end
end
return reply
