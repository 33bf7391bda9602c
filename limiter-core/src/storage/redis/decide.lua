-- Decides a batch of charges, or refunds it: the strategies of `crate::strategy`, where the state is.
--
-- KEYS   the counters of the batch, each once.
-- ARGV   1 the verb: "hit", "test" or "refund"
--        2 the moment in microseconds, or "" for the server's own
--        then eight for every charge: the place of its key, strategy, amount, capacity, window in
--        microseconds, cost, mode ("enforce", "shadow" or "test"), and the moment of the charge
--        (for a refund, else 0)
-- reply  the outcome (1 admitted, 0 denied), the moment, and five for every charge: 1 if it is
--        admitted, what remains, reset_after, retry_after (-1 for never), 1 if it was taken.
--
-- All times are whole microseconds. A number here is a double, exact below 2^53: moments and
-- windows are below 2^51 and costs below 2^50, and what would be larger is never made.

local EXACT = 9007199254740992

local verb = ARGV[1]
local now = tonumber(ARGV[2])
-- A moment that is not the server's says nothing about when a key may expire.
local keep = now and 86400000 or 0
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- The quotient of a * b / divisor and the rest, for b <= divisor: long division with digits small
-- enough for every product to be exact.
local function multiply_divide(a, b, divisor)
  if a * b < EXACT then
    local quotient = math.floor(a * b / divisor)
    return quotient, a * b - quotient * divisor
  end
  local base = 2
  while divisor * base * 4 <= EXACT do
    base = base * 2
  end
  local digits = {}
  while a > 0 do
    local digit = a % base
    digits[#digits + 1] = digit
    a = (a - digit) / base
  end
  local quotient, rest = 0, 0
  for i = #digits, 1, -1 do
    rest = rest * base + digits[i] * b
    local part = math.floor(rest / divisor)
    quotient = quotient * base + part
    rest = rest - part * divisor
  end
  return quotient, rest
end

local function foreign(text)
  error('a counter holds something else: "' .. tostring(text) .. '"')
end

-- A whole number; for Lua, "nan" and "1e9" are numbers, too.
local function whole(text)
  return tonumber(string.match(text, '^%d+$'))
end

-- The numbers of a counter; all zero where there is none.
local function numbers(key, count)
  local text = redis.call('GET', key)
  local all = {}
  for number in string.gmatch(text or '', '%S+') do
    all[#all + 1] = whole(number)
  end
  if text and #all ~= count then foreign(text) end
  for i = #all + 1, count do
    all[i] = 0
  end
  return unpack(all)
end

local function impossible(q)
  return q.amount == 0 or q.cost > q.capacity
end

local function admit(remaining, reset_after)
  return { 1, remaining, reset_after, 0 }
end

local function deny(remaining, reset_after, retry_after)
  return { 0, remaining, reset_after, retry_after }
end

local function text(...)
  local parts = {}
  for i, number in ipairs({ ... }) do
    parts[i] = string.format('%.0f', number)
  end
  return table.concat(parts, ' ')
end

-- For how many milliseconds from this hit on a counter means something.
local function time_to_live(micros)
  return string.format('%.0f', math.max(math.floor(micros / 1000) + 1, keep))
end

-- Nothing that is used is no key.
local function store(key, used, value, micros)
  if used > 0 then
    redis.call('SET', key, value, 'PX', time_to_live(micros))
  else
    redis.call('DEL', key)
  end
end

local strategies = {}

-- "ends_at used"
strategies['fixed-window'] = {
  load = function(key)
    local ends_at, used = numbers(key, 2)
    return { ends_at = ends_at, used = used }
  end,
  settle = function(s, q)
    local fresh = now + q.window
    if now >= s.ends_at or s.used == 0 then
      s.ends_at, s.used = fresh, 0
    elseif s.ends_at > fresh then
      s.ends_at = fresh
    end
  end,
  decide = function(s, q)
    local remaining = math.max(q.amount - s.used, 0)
    local left = s.ends_at - now
    local reset_after = s.used == 0 and 0 or left
    if impossible(q) then return deny(remaining, reset_after, -1) end
    if q.cost == 0 then return admit(remaining, reset_after) end
    if q.cost <= remaining then return admit(remaining - q.cost, left) end
    return deny(remaining, reset_after, left)
  end,
  charge = function(s, q) s.used = s.used + q.cost end,
  refund = function(s, q)
    if q.charged_at + q.window >= s.ends_at then s.used = math.max(s.used - q.cost, 0) end
  end,
  save = function(key, s) store(key, s.used, text(s.ends_at, s.used), s.ends_at - now) end,
}

-- "started_at previous current"
local function weighted(s, left, q)
  return (multiply_divide(s.previous, left - 1, q.window))
end

-- The largest `left` with count * (left - 1) / window < below.
local function longest_left(count, below, q)
  local whole, part = math.floor(q.window / count), q.window % count
  local quotient, rest = multiply_divide(below, part, count)
  if below * whole + quotient >= EXACT then return EXACT end
  local left = below * whole + quotient
  -- (below * window - 1) / count + 1, in whole numbers.
  return rest == 0 and left or left + 1
end

local function sliding_reset(s, left, q)
  local used = weighted(s, left, q)
  if used > 0 then return left - longest_left(s.previous, used, q) end
  return s.current > 0 and left or 0
end

strategies['sliding-window-counter'] = {
  load = function(key)
    local started_at, previous, current = numbers(key, 3)
    return { started_at = started_at, previous = previous, current = current }
  end,
  settle = function(s, q)
    local elapsed = math.max(now - s.started_at, 0)
    if s.previous == 0 and s.current == 0 then
      s.started_at = now
    elseif elapsed < q.window then
      s.started_at = math.min(s.started_at, now)
    elseif elapsed - q.window < q.window and s.current > 0 then
      s.started_at, s.previous, s.current = s.started_at + q.window, s.current, 0
    else
      s.started_at, s.previous, s.current = now, 0, 0
    end
  end,
  decide = function(s, q)
    local left = q.window - (now - s.started_at)
    local remaining = math.max(q.amount - weighted(s, left, q) - s.current, 0)
    if impossible(q) or q.cost > q.amount then
      return deny(remaining, sliding_reset(s, left, q), -1)
    end
    if q.cost <= remaining then
      local charged = { previous = s.previous, current = s.current + q.cost }
      return admit(remaining - q.cost, sliding_reset(charged, left, q))
    end
    local room = q.amount - s.current - q.cost
    local retry_after
    if room >= 0 then
      retry_after = left - math.min(longest_left(s.previous, room + 1, q), left)
    else
      local longest = longest_left(s.current, q.amount - q.cost + 1, q)
      retry_after = left + q.window - math.min(longest, q.window)
    end
    return deny(remaining, sliding_reset(s, left, q), retry_after)
  end,
  charge = function(s, q) s.current = s.current + q.cost end,
  refund = function(s, q)
    if q.charged_at >= s.started_at then
      s.current = math.max(s.current - q.cost, 0)
    elseif s.started_at - q.charged_at <= q.window then
      s.previous = math.max(s.previous - q.cost, 0)
    end
  end,
  save = function(key, s, q)
    local value = text(s.started_at, s.previous, s.current)
    store(key, s.previous + s.current, value, s.started_at + 2 * q.window - now)
  end,
}

-- "full_at fraction"; what is missing is counted in microseconds and 1 / amount of one.
local function mixed(whole, part, amount)
  local carry = math.floor(part / amount)
  return { whole + carry, part - carry * amount }
end

-- How long a cost takes to come back.
local function time_of(cost, q)
  local whole, part = math.floor(q.window / q.amount), q.window % q.amount
  local quotient, rest = multiply_divide(cost, part, q.amount)
  return { cost * whole + quotient, rest }
end

local function missing(s, q)
  return { math.max(s.full_at - now, 0), math.min(s.fraction, math.max(q.amount - 1, 0)) }
end

local function is_more(a, b)
  return a[1] > b[1] or (a[1] == b[1] and a[2] > b[2])
end

local function plus(a, b, q)
  return mixed(a[1] + b[1], a[2] + b[2], q.amount)
end

local function minus(a, b, q)
  if is_more(b, a) then return { 0, 0 } end
  if a[2] < b[2] then return { a[1] - b[1] - 1, a[2] + q.amount - b[2] } end
  return { a[1] - b[1], a[2] - b[2] }
end

-- How many whole tokens a time is worth, and what is left of it, in 1 / amount microseconds.
local function tokens_in(time, q)
  local windows, part = math.floor(time[1] / q.window), time[1] % q.window
  local quotient, rest = multiply_divide(q.amount, part, q.window)
  local carry = math.floor((rest + time[2]) / q.window)
  return windows * q.amount + quotient + carry, rest + time[2] - carry * q.window
end

local function next_token(time, q)
  if time[1] == 0 and time[2] == 0 then return 0 end
  local _, rest = tokens_in(time, q)
  return math.ceil((rest == 0 and q.window or rest) / q.amount)
end

local function set_missing(s, time)
  s.full_at, s.fraction = now + time[1], time[2]
end

strategies['token-bucket'] = {
  load = function(key)
    local full_at, fraction = numbers(key, 2)
    return { full_at = full_at, fraction = fraction }
  end,
  settle = function(s, q)
    if s.full_at < now then
      s.full_at, s.fraction = now, 0
    elseif q.amount > 0 then
      local full = time_of(q.capacity, q)
      if is_more(missing(s, q), full) then set_missing(s, full) end
    end
  end,
  decide = function(s, q)
    if q.amount == 0 then return deny(q.capacity, 0, -1) end
    local full, gone = time_of(q.capacity, q), missing(s, q)
    local function left(time) return (tokens_in(minus(full, time, q), q)) end
    if impossible(q) then return deny(left(gone), next_token(gone, q), -1) end
    local wanted = plus(gone, time_of(q.cost, q), q)
    if not is_more(wanted, full) then return admit(left(wanted), next_token(wanted, q)) end
    local wait = minus(wanted, full, q)
    return deny(left(gone), next_token(gone, q), wait[2] > 0 and wait[1] + 1 or wait[1])
  end,
  charge = function(s, q) set_missing(s, plus(missing(s, q), time_of(q.cost, q), q)) end,
  refund = function(s, q)
    if q.amount == 0 then return end
    local passed = { math.max(now - q.charged_at, 0), 0 }
    if not is_more(time_of(q.capacity, q), passed) then return end
    local cost = math.min(q.cost, q.capacity)
    set_missing(s, minus(missing(s, q), time_of(cost, q), q))
  end,
  save = function(key, s)
    local missing = math.max(s.full_at - now, 0)
    store(key, missing + s.fraction, text(s.full_at, s.fraction), missing)
  end,
}

-- A list: the sum of all costs, then the hits, oldest first: "at", or "at cost" for a cost above 1.
local function hit_of(entry)
  local at, cost = string.match(entry, '^(%d+) ?(%d*)$')
  if not at then foreign(entry) end
  return tonumber(at), tonumber(cost) or 1
end

local function entry_of(at, cost)
  return cost == 1 and text(at) or text(at, cost)
end

-- So many entries are read at a time, for one by one each would be looked for anew; but often the
-- first is all that is asked for.
local CHUNK = 128

-- The entries after the sum, oldest first, as far as they are asked for.
local function oldest_first(key)
  local first, entries, place, size = 1, {}, 0, 1
  return function()
    if place == #entries then
      first = first + place
      entries, place = redis.call('LRANGE', key, first, first + size - 1), 0
      size = CHUNK
    end
    place = place + 1
    if entries[place] then return hit_of(entries[place]) end
  end
end

-- The same, newest first, with the place of each from the end: -1, -2 and so on.
local function newest_first(key)
  local last, entries, left = redis.call('LLEN', key) - 1, {}, 0
  local place, size = 0, 1
  return function()
    if left == 0 then
      if last < 1 then return end
      local first = math.max(last - size + 1, 1)
      entries = redis.call('LRANGE', key, first, last)
      last, left, size = first - 1, #entries, CHUNK
    end
    local entry = entries[left]
    left, place = left - 1, place - 1
    return place, hit_of(entry)
  end
end

strategies['moving-window'] = {
  load = function(key)
    local sum = redis.call('LINDEX', key, 0)
    local used = sum and (whole(sum) or foreign(sum)) or 0
    return { key = key, used = used, pending = 0 }
  end,
  settle = function(s, q)
    local is_settled = s.settled or s.used == 0
    s.settled = true
    if is_settled then return end
    local used, gone, some_left = s.used, 0, false
    for at, cost in oldest_first(s.key) do
      some_left = at + q.window > now
      if some_left then break end
      used, gone = used - cost, gone + 1
    end
    if not some_left then
      redis.call('DEL', s.key)
      s.used = 0
      return
    end
    -- The sum moves to the front of what is left.
    if gone > 0 then redis.call('LTRIM', s.key, gone, -1) end
    -- Hits of the future, because the server's clock stepped back, are hits of now.
    local future, later = 0, 0
    for _, at, cost in newest_first(s.key) do
      if at < now or (at == now and later == 0) then break end
      future, later = future + cost, later + 1
    end
    if later > 0 then
      redis.call('LTRIM', s.key, 0, -later - 1)
      redis.call('RPUSH', s.key, entry_of(now, future))
    end
    s.used = used
    if gone > 0 then redis.call('LSET', s.key, 0, text(used)) end
  end,
  decide = function(s, q)
    local remaining = math.max(q.amount - s.used, 0)
    local oldest = s.used > s.pending and redis.call('LINDEX', s.key, 1)
    local reset_after = q.window
    if oldest then reset_after = (hit_of(oldest)) + q.window - now end
    if impossible(q) then return deny(remaining, reset_after, -1) end
    if q.cost <= remaining then return admit(remaining - q.cost, reset_after) end
    local used = s.used
    if used > s.pending then
      for at, cost in oldest_first(s.key) do
        used = used - cost
        if used + q.cost <= q.amount then
          return deny(remaining, reset_after, at + q.window - now)
        end
      end
    end
    return deny(remaining, reset_after, q.window)
  end,
  charge = function(s, q) s.used, s.pending = s.used + q.cost, s.pending + q.cost end,
  refund = function(s, q)
    if s.used == 0 then return end
    -- The newest hit that is not later than the charge.
    for place, at, cost in newest_first(s.key) do
      if at <= q.charged_at then
        local returned = math.min(q.cost, cost)
        s.used = s.used - returned
        if s.used == 0 then
          redis.call('DEL', s.key)
          return
        end
        redis.call('LSET', s.key, 0, text(s.used))
        if returned < cost then
          redis.call('LSET', s.key, place, entry_of(at, cost - returned))
        else
          redis.call('LSET', s.key, place, '-')
          redis.call('LREM', s.key, -1, '-')
        end
        return
      end
    end
  end,
  save = function(key, s, q)
    if s.pending > 0 then
      if s.used == s.pending then
        redis.call('DEL', key)
        redis.call('RPUSH', key, text(s.used), entry_of(now, s.pending))
      else
        local at, cost = hit_of(redis.call('LINDEX', key, -1))
        if at == now then
          redis.call('LSET', key, -1, entry_of(now, cost + s.pending))
        else
          redis.call('RPUSH', key, entry_of(now, s.pending))
        end
        redis.call('LSET', key, 0, text(s.used))
      end
      redis.call('PEXPIRE', key, time_to_live(q.window))
    end
  end,
}

local counters, reply, admitted = {}, { 1, now }, true
local charges = {}
for i = 3, #ARGV, 8 do
  local q = {
    place = tonumber(ARGV[i]), strategy = strategies[ARGV[i + 1]], amount = tonumber(ARGV[i + 2]),
    capacity = tonumber(ARGV[i + 3]), window = tonumber(ARGV[i + 4]), cost = tonumber(ARGV[i + 5]),
    mode = ARGV[i + 6], charged_at = tonumber(ARGV[i + 7]),
  }
  local counter = counters[q.place]
  if not counter then
    counter = { state = q.strategy.load(KEYS[q.place]) }
    counters[q.place] = counter
  end
  q.strategy.settle(counter.state, q)
  if verb == 'refund' then
    q.strategy.refund(counter.state, q)
    counter.changed = q
  else
    local decision = q.strategy.decide(counter.state, q)
    local takes = decision[1] == 1 and q.cost > 0 and q.mode ~= 'test'
    if takes then
      q.strategy.charge(counter.state, q)
      counter.changed = q
    end
    if decision[1] == 0 and q.mode ~= 'shadow' then admitted = false end
    charges[#charges + 1] = { decision, takes }
  end
end

local takes_place = verb == 'refund' or (verb == 'hit' and admitted)
if takes_place then
  for place, counter in pairs(counters) do
    local q = counter.changed
    if q then q.strategy.save(KEYS[place], counter.state, q) end
  end
end
if not admitted then reply[1] = 0 end
for _, charge in ipairs(charges) do
  for part = 1, 4 do
    reply[#reply + 1] = charge[1][part]
  end
  reply[#reply + 1] = (charge[2] and takes_place) and 1 or 0
end
return reply
