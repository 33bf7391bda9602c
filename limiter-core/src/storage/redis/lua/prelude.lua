-- Decides batches of charges, or refunds them: the strategies of `crate::strategy`, where the state
-- is. What remains and how long to wait is not told here, but by `crate::strategy` from the states
-- that were found. (A log stays here, so its decisions are told.)
--
-- KEYS   the counters, each once: first those that are strings, then those that are lists.
-- ARGV   1 packed, little-endian: how many of the keys are strings (4 bytes); then for every batch
--          the verb (1 byte), the number of its charges (4), and for every charge the place of its
--          key (4), strategy (1), mode (1), and as doubles amount, capacity, window in microseconds,
--          cost, and the moment of the charge (for a refund, else 0)
--        2 the moment in microseconds; left out for the server's own
-- reply  the moment, and for every batch either -1, if a counter was not one of ours, or a list: 1
--        admitted or 0 denied, and for every charge the counter it found: nil if there was none; a
--        string; or of a log 1 admitted or 0 denied, what remains, reset_after, retry_after (-1 for
--        never).
--
-- All times are whole microseconds. A number here is a double, exact below 2^53: moments and
-- windows are below 2^51 and costs below 2^50, and what would be larger is never made.

local EXACT = 9007199254740992
local HIT, REFUND = 1, 2
local SHADOW, TEST = 1, 2

local floor, max, min = math.floor, math.max, math.min
local call, pack, unpacked = redis.call, struct.pack, struct.unpack

local now = tonumber(ARGV[2])
-- A moment that is not the server's says nothing about when a key may expire.
local keep = now and 86400000 or 0
if not now then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- For how many milliseconds from this hit on a counter means something.
local function time_to_live(micros)
  return max(floor(micros / 1000) + 1, keep)
end

-- What is not ours under a name of ours goes, and its batch with it.
local FOREIGN = 'not a counter'
local function foreign(key)
  call('DEL', key)
  error(FOREIGN, 0)
end

-- The numbers of a counter, as doubles; all zero where there is none.
local function numbers(key, value, format, size)
  if not value then return 0, 0, 0 end
  if #value ~= size then foreign(key) end
  local a, b, c = unpacked(format, value)
  local is_whole = a % 1 + b % 1 + c % 1 == 0
  if not (is_whole and min(a, b, c) >= 0 and max(a, b, c) < EXACT) then foreign(key) end
  return a, b, c
end

-- The strategies, by number. Each is a function of a counter's key and value, whether it is to be
-- refunded, the quota, the cost, and when that was charged. It returns whether the cost is admitted;
-- if so, the new value (false if it is nothing) and for how long that means something.
local strategies = {}
-- Writes what was charged to a log.
local save_log
