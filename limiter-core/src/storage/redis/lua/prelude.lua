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
