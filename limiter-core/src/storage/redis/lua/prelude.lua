-- Decides batches of charges, or refunds them, one after the other: the strategies of
-- `crate::strategy`, where the state is. What remains and how long to wait is not computed here:
-- `crate::strategy` decides again from the counters in the reply. (A log stays in the server, so
-- the reply has its decisions instead.)
--
-- KEYS   the counters, each once: first those that are strings, then those that are lists.
-- ARGV   1 packed, little-endian: how many of the keys are strings (4 bytes), how many terms follow
--          (4), and for every one strategy (1), mode (1), and as doubles amount, capacity, window in
--          microseconds, cost, and the moment of the charge (for a refund, else 0); then for every
--          batch the verb (1), how many such batches in a row (4), the number of charges (4), and
--          for every charge the place of its key (4) and of its terms (4)
--        2 the moment in microseconds; left out for the server's own
-- reply  packed like that: the moment (a double); for every batch a letter, A admitted, D denied, F
--        if a counter was not one of ours; the strings that were found, each as its strategy stores
--        it, of zeros where there was none; and for every charge of a log four doubles: 1 admitted,
--        0 denied, 2 denied for ever; what remains, reset_after, retry_after
--
-- All times are whole microseconds. A number here is a double, exact below 2^53: moments and
-- windows are below 2^51 and costs below 2^50, and what would be larger is never made.

local EXACT = 9007199254740992
local HIT, REFUND = 1, 2
local SHADOW, TEST = 1, 2

local max, min, format = math.max, math.min, string.format
local call, pack, unpacked, concat = redis.call, struct.pack, struct.unpack, table.concat

local now = tonumber(ARGV[2])
-- A moment that is not the server's says nothing about when a key may expire.
local keep = now and 86400000 or 0
if not now then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- How many milliseconds a counter has to live from this hit on. As a text: formatting it here is
-- faster than letting Redis convert a number.
local function time_to_live(micros)
  local millis = (micros - micros % 1000) / 1000 + 1
  return format('%d', millis > keep and millis or keep)
end

-- Deletes a foreign value that has the name of a counter, and ends its batch.
local FOREIGN = 'not a counter'
local function foreign(key)
  call('DEL', key)
  error(FOREIGN, 0)
end

-- The numbers of a counter that is a string, as doubles; all zero where there is none.
local function numbers(key, value, format, size)
  if not value then return 0, 0, 0 end
  if #value ~= size then foreign(key) end
  local a, b, c = unpacked(format, value)
  -- The third of two numbers is the position behind them, which is whole too.
  local is_whole = a % 1 + b % 1 + c % 1 == 0
  local is_exact = a >= 0 and b >= 0 and c >= 0 and a < EXACT and b < EXACT and c < EXACT
  if not (is_whole and is_exact) then foreign(key) end
  return a, b, c
end

-- The strategies, by number. Each has `nothing`, how it stores a counter that is not there, unless it
-- is a log, and these functions:
--   prepare if there is one, adds to terms what is the same for every charge of theirs;
--   read    the numbers of a counter, from its key, what was found there, and the window;
--   charge  from those numbers, the terms, whether they are to be refunded, and the key: whether the
--           cost is admitted; if so, the new numbers; and, of a log, the packed decision;
--   write   from the numbers and the window: what is to be stored, false if that is nothing, and for
--           how many microseconds it has to live (a log has `save`).
local strategies = {}
