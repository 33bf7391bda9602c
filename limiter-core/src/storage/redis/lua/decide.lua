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

-- The numbers of every counter as the batches so far leave it; its strategy; and, where it changed,
-- for how long it means something.
local a, b, c, strategy_of, lasting = {}, {}, {}, {}, {}
-- The batch at hand: the counters and the terms of its charges; which counters it changed, for how
-- long they mean something, and what they were.
local place_of, terms_of = {}, {}
local changes, changed, lasts_of, a_was, b_was, c_was = 0, {}, {}, {}, {}, {}
-- What is told of the charges of logs.
local told = {}

local function charge_all(charges, refunds)
  local admitted = true
  for number = 1, charges do
    local place, by = place_of[number], terms_of[number]
    local key, strategy = KEYS[place], by.strategy
    if not a[place] then
      a[place], b[place], c[place] = strategy.read(key, values[place], by)
      strategy_of[place] = strategy
    end
    local was_a, was_b, was_c = a[place], b[place], c[place]
    local passes, new_a, new_b, new_c, lasts, tells =
      strategy.charge(was_a, was_b, was_c, by, refunds, key)
    if not passes then
      admitted = admitted and by.is_shadow
    elseif by.takes then
      changes = changes + 1
      changed[changes], lasts_of[changes] = place, lasts
      a_was[changes], b_was[changes], c_was[changes] = was_a, was_b, was_c
      a[place], b[place], c[place] = new_a, new_b, new_c
    end
    if tells then told[#told + 1] = tells end
  end
  return admitted
end

local function undo()
  for number = changes, 1, -1 do
    local place = changed[number]
    a[place], b[place], c[place] = a_was[number], b_was[number], c_was[number]
  end
end

local function keep_changes()
  for number = 1, changes do
    local place = changed[number]
    if place <= strings then
      lasting[place] = lasts_of[number]
    else
      strategy_of[place].save(KEYS[place], a[place], b[place], lasts_of[number])
      b[place] = 0
    end
  end
end

-- The letter of the batch at hand.
local function decide(verb, charges)
  local told_before = #told
  changes = 0
  local is_decided, admitted = pcall(charge_all, charges, verb == REFUND)
  if not is_decided and admitted ~= FOREIGN then error(admitted, 0) end
  if is_decided and (verb == REFUND or (verb == HIT and admitted)) then
    keep_changes()
  else
    undo()
  end
  if is_decided then return admitted and 'A' or 'D' end
  for number = #told, told_before + 1, -1 do told[number] = nil end
  -- A log may have turned out to be none half-way.
  for number = 1, charges do
    local place = place_of[number]
    if place > strings then a[place] = nil end
  end
  return 'F'
end

local letters = {}
while at <= #packed do
  local verb, times, charges
  verb, times, charges, at = unpacked('<BI4I4', packed, at)
  for number = 1, charges do
    local place, by
    place, by, at = unpacked('<I4I4', packed, at)
    place_of[number], terms_of[number] = place, terms[by]
  end
  for _ = 1, times do letters[#letters + 1] = decide(verb, charges) end
end

for place, micros in pairs(lasting) do
  local value = strategy_of[place].write(a[place], b[place], c[place])
  if value then
    call('SET', KEYS[place], value, 'PX', time_to_live(micros))
  else
    call('DEL', KEYS[place])
  end
end
return { now, table.concat(letters), values, told }
