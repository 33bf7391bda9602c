local packed = ARGV[1]
local strings, count, at = unpacked('<I4I4', packed)
local terms = {}
for number = 1, count do
  local strategy, mode, amount, capacity, window, cost, charged_at
  strategy, mode, amount, capacity, window, cost, charged_at, at = unpacked('<BBddddd', packed, at)
  terms[number] = {
    strategy = strategies[strategy], is_shadow = mode == SHADOW, takes = cost > 0 and mode ~= TEST,
    amount = amount, capacity = capacity, window = window, cost = cost, charged_at = charged_at,
  }
end

local values = {}
if strings > 0 then
  values = call('MGET', unpack(KEYS, 1, strings))
  local missing
  for place = 1, strings do
    if not values[place] then
      missing = missing or {}
      missing[#missing + 1] = KEYS[place]
    end
  end
  -- What is not a string was read as if it was not there.
  if missing and call('EXISTS', unpack(missing)) > 0 then
    for place = 1, strings do
      if not values[place] and call('EXISTS', KEYS[place]) > 0 then values[place] = FOREIGN end
    end
  end
end

-- Few tables, with room for one charge from the start: to make one, or to make one larger, takes as
-- long as to decide a charge.
--
-- Of every counter four in a row: its strategy, and its numbers as the batches so far leave them.
local counters = { false, 0, 0, 0 }
-- For how long those strings that changed mean something.
local lasting = {}
-- Of the batch at hand for every charge its counter and its terms; and for every change five in a
-- row: the counter, for how long it means something, and what its numbers were.
local asked, changes = { 0, 0 }, { 0, 0, 0, 0, 0 }
-- What is told of the charges of logs.
local told = {}

-- How many entries of `changes` are to be undone.
local changed

-- Charges the batch at hand, and keeps that if it is to be kept. Whether nothing denies it.
local function charge_all(verb, charges)
  local admitted = true
  for number = 1, 2 * charges, 2 do
    local place, by = asked[number], asked[number + 1]
    local key, at, strategy = KEYS[place], 4 * place - 3, by.strategy
    if not counters[at] then
      counters[at + 1], counters[at + 2], counters[at + 3] = strategy.read(key, values[place], by)
      counters[at] = strategy
    end
    local a, b, c = counters[at + 1], counters[at + 2], counters[at + 3]
    local passes, new_a, new_b, new_c, lasts, tells = strategy.charge(a, b, c, by, verb == REFUND, key)
    if not passes then
      admitted = admitted and by.is_shadow
    elseif by.takes then
      changes[changed + 1], changes[changed + 2] = place, lasts
      changes[changed + 3], changes[changed + 4], changes[changed + 5] = a, b, c
      changed = changed + 5
      counters[at + 1], counters[at + 2], counters[at + 3] = new_a, new_b, new_c
    end
    if tells then told[#told + 1] = tells end
  end
  if verb == REFUND or (verb == HIT and admitted) then
    for number = 1, changed, 5 do
      local place, lasts = changes[number], changes[number + 1]
      local at = 4 * place - 3
      if place <= strings then
        lasting[place] = lasts
      else
        counters[at].save(KEYS[place], counters[at + 1], counters[at + 2], lasts)
        counters[at + 2] = 0
      end
    end
    changed = 0
  end
  return admitted
end

-- The letter of the batch at hand.
local function decide(verb, charges)
  local told_before = #told
  changed = 0
  local is_decided, admitted = pcall(charge_all, verb, charges)
  if not is_decided and admitted ~= FOREIGN then error(admitted, 0) end
  for number = changed - 4, 1, -5 do
    local at = 4 * changes[number] - 3
    counters[at + 1], counters[at + 2], counters[at + 3] =
      changes[number + 2], changes[number + 3], changes[number + 4]
  end
  if is_decided then return admitted and 'A' or 'D' end
  for number = #told, told_before + 1, -1 do told[number] = nil end
  -- A log may have turned out to be none half-way.
  for number = 1, 2 * charges, 2 do
    local place = asked[number]
    if place > strings then counters[4 * place - 3] = nil end
  end
  return 'F'
end

local letters = {}
while at <= #packed do
  local verb, times, charges
  verb, times, charges, at = unpacked('<BI4I4', packed, at)
  for number = 1, 2 * charges, 2 do
    local by
    asked[number], by, at = unpacked('<I4I4', packed, at)
    asked[number + 1] = terms[by]
  end
  for _ = 1, times do letters[#letters + 1] = decide(verb, charges) end
end

for place, micros in pairs(lasting) do
  local at = 4 * place - 3
  local value = counters[at].write(counters[at + 1], counters[at + 2], counters[at + 3])
  if value then
    call('SET', KEYS[place], value, 'PX', time_to_live(micros))
  else
    call('DEL', KEYS[place])
  end
end
return { now, table.concat(letters), values, told }
