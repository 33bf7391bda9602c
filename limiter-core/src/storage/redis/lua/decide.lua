local packed = ARGV[1]
local strings, count, at = unpacked('<I4I4', packed)
local terms = {}
for number = 1, count do
  local strategy, mode, amount, capacity, window, cost, charged_at
  strategy, mode, amount, capacity, window, cost, charged_at, at = unpacked('<BBddddd', packed, at)
  strategy = strategies[strategy]
  local by = {
    strategy = strategy, is_shadow = mode == SHADOW, takes = cost > 0 and mode ~= TEST,
    admits_none = amount == 0 or cost > capacity,
    amount = amount, window = window, cost = cost, charged_at = charged_at,
  }
  if strategy.prepare then strategy.prepare(by, capacity) end
  terms[number] = by
end

-- What the strings are.
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

-- Of every counter its key, its strategy once it is read, its numbers as the batches so far leave
-- them (until it is read, what was found in place of the first), and its window.
local counters = {}
-- The strings that are to be written.
local kept = {}
-- The packed decisions on charges of logs, and the letter of every batch.
local decisions, letters = {}, {}

-- Of the batch at hand: the verb, how many more there are like it, and how many charges it has, for
-- each the counter and the terms; and what it changed and is to be undone, for each change the
-- counter and what its numbers were.
local verb, left, charges = 0, 0, 0
local batch, changes = { 0, 0 }, { 0, 0, 0, 0 }
local changed, decisions_before = 0, 0

-- Decides batches until there are no more, or until a counter turns out to be a foreign value.
local function decide()
  -- Locals are faster than upvalues.
  local batch, changes, letters = batch, changes, letters
  while true do
    for number = changed - 3, 1, -4 do
      local counter = changes[number]
      counter[3], counter[4], counter[5] =
        changes[number + 1], changes[number + 2], changes[number + 3]
    end
    changed = 0
    if left == 0 then
      if at > #packed then return end
      verb, left, charges, at = unpacked('<BI4I4', packed, at)
      for number = 1, 2 * charges, 2 do
        local place, by
        place, by, at = unpacked('<I4I4', packed, at)
        by = terms[by]
        local counter, nothing = counters[place], by.strategy.nothing
        if not counter then
          local value = values[place]
          counter = { KEYS[place], false, value, 0, 0, by.window }
          counters[place] = counter
          if nothing and not (value and #value == #nothing) then values[place] = nothing end
        end
        batch[number], batch[number + 1] = counter, by
      end
    end
    left, decisions_before = left - 1, #decisions

    local refunds, admitted, last = verb == REFUND, true, 0
    for number = 1, 2 * charges, 2 do
      local counter, by = batch[number], batch[number + 1]
      local strategy, a, b, c = counter[2], counter[3], counter[4], counter[5]
      if not strategy then
        strategy = by.strategy
        a, b, c = strategy.read(counter[1], a, counter[6])
        counter[2], counter[3], counter[4], counter[5] = strategy, a, b, c
      end
      local passes, new_a, new_b, new_c, decision = strategy.charge(a, b, c, by, refunds, counter[1])
      if not passes then
        admitted = admitted and by.is_shadow
      elseif by.takes then
        -- One by one: a multiple assignment would move each value twice.
        changes[last + 1] = counter
        changes[last + 2] = a
        changes[last + 3] = b
        changes[last + 4] = c
        last = last + 4
        changed = last
        counter[3] = new_a
        counter[4] = new_b
        counter[5] = new_c
      end
      if decision then decisions[#decisions + 1] = decision end
    end
    if refunds or (verb == HIT and admitted) then
      for number = 1, last, 4 do
        local counter = changes[number]
        local save = counter[2].save
        if save then
          save(counter[1], counter[3], counter[4], counter[6])
          counter[4] = 0
        else
          kept[counter] = true
        end
      end
      changed = 0
    end
    letters[#letters + 1] = admitted and 'A' or 'D'
  end
end

repeat
  local is_done, problem = pcall(decide)
  if not is_done then
    if problem ~= FOREIGN then error(problem, 0) end
    letters[#letters + 1] = 'F'
    for number = #decisions, decisions_before + 1, -1 do decisions[number] = nil end
    -- The foreign value may have been found half-way through a log.
    for number = 1, 2 * charges, 2 do
      local counter = batch[number]
      if counter[2] and counter[2].save then counter[2] = false end
    end
  end
until is_done

for counter in pairs(kept) do
  local value, lasts = counter[2].write(counter[3], counter[4], counter[5], counter[6])
  if value then
    call('SET', counter[1], value, 'PX', time_to_live(lasts))
  else
    call('DEL', counter[1])
  end
end
return pack('<d', now) .. concat(letters) .. concat(values) .. concat(decisions)
