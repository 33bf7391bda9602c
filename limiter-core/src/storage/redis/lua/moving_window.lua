-- A list: the sum of all costs, then the hits, oldest first: "at", or "at cost" for a cost above 1.
-- Its numbers here are what is used, and how much of that is not written yet.
local function text(number)
  return string.format('%.0f', number)
end

-- A whole number; for Lua, "nan" and "1e9" are numbers, too.
local function whole(text)
  return tonumber(string.match(text, '^%d+$'))
end

local function hit_of(key, entry)
  local at, cost = string.match(entry, '^(%d+) ?(%d*)$')
  if not at then foreign(key) end
  return tonumber(at), tonumber(cost) or 1
end

local function entry_of(at, cost)
  return cost == 1 and text(at) or text(at) .. ' ' .. text(cost)
end

-- How many entries are read at a time: reading one by one would search the list for each. The first
-- read takes one entry, which is often enough.
local CHUNK = 128

-- Iterates over the entries after the sum, oldest first.
local function oldest_first(key)
  local first, entries, place, size = 1, {}, 0, 1
  return function()
    if place == #entries then
      first = first + place
      entries, place = call('LRANGE', key, first, first + size - 1), 0
      size = CHUNK
    end
    place = place + 1
    if entries[place] then return hit_of(key, entries[place]) end
  end
end

-- The same, newest first, with the place of each from the end: -1, -2 and so on.
local function newest_first(key)
  local last, entries, left = call('LLEN', key) - 1, {}, 0
  local place, size = 0, 1
  return function()
    if left == 0 then
      if last < 1 then return end
      local first = max(last - size + 1, 1)
      entries = call('LRANGE', key, first, last)
      last, left, size = first - 1, #entries, CHUNK
    end
    local entry = entries[left]
    left, place = left - 1, place - 1
    return place, hit_of(key, entry)
  end
end

-- What all hits in the list cost.
local function sum_of(key)
  local sum = redis.pcall('LINDEX', key, 0)
  if type(sum) == 'table' then
    if string.find(sum.err, 'WRONGTYPE', 1, true) then foreign(key) end
    -- Any other error: raise it as the server words it.
    sum = call('LINDEX', key, 0)
  end
  return sum and (whole(sum) or foreign(key)) or 0
end

-- Drops the hits that have left the window. Returns what is used.
local function settle(key, window)
  local used, gone, some_left = sum_of(key), 0, false
  if used == 0 then return 0 end
  for at, cost in oldest_first(key) do
    some_left = at + window > now
    if some_left then break end
    used, gone = used - cost, gone + 1
  end
  if not some_left then
    call('DEL', key)
    return 0
  end
  -- The sum moves to the front of what is left.
  if gone > 0 then call('LTRIM', key, gone, -1) end
  -- Hits of the future, because the server's clock stepped back, are hits of now.
  local future, later = 0, 0
  for _, at, cost in newest_first(key) do
    if at < now or (at == now and later == 0) then break end
    future, later = future + cost, later + 1
  end
  if later > 0 then
    call('LTRIM', key, 0, -later - 1)
    call('RPUSH', key, entry_of(now, future))
  end
  if gone > 0 then call('LSET', key, 0, text(used)) end
  return used
end

-- Takes back the newest hit that is not later than the charge. Returns what is used then.
local function give_back(key, used, cost, charged_at)
  if used == 0 then return 0 end
  for place, at, hit in newest_first(key) do
    if at <= charged_at then
      local returned = min(cost, hit)
      used = used - returned
      if used == 0 then
        call('DEL', key)
        return 0
      end
      call('LSET', key, 0, text(used))
      if returned < hit then
        call('LSET', key, place, entry_of(at, hit - returned))
      else
        call('LSET', key, place, '-')
        call('LREM', key, -1, '-')
      end
      break
    end
  end
  return used
end

-- Writes what was charged.
local function save(key, used, pending, window)
  if pending == 0 then return end
  if used == pending then
    call('DEL', key)
    call('RPUSH', key, text(used), entry_of(now, pending))
  else
    local at, cost = hit_of(key, call('LINDEX', key, -1))
    if at == now then
      call('LSET', key, -1, entry_of(now, cost + pending))
    else
      call('RPUSH', key, entry_of(now, pending))
    end
    call('LSET', key, 0, text(used))
  end
  call('PEXPIRE', key, time_to_live(window))
end

strategies[2] = {
  read = function(key, _, window)
    return settle(key, window), 0, 0
  end,
  charge = function(used, pending, _, terms, refunds, key)
    local amount, window, cost = terms.amount, terms.window, terms.cost
    if refunds then
      return true, give_back(key, used, cost, terms.charged_at), pending, 0
    end
    local remaining, reset_after = max(amount - used, 0), window
    local is_written = used > pending
    if is_written then
      reset_after = hit_of(key, call('LINDEX', key, 1)) + window - now
    end
    if terms.admits_none then
      return false, 0, 0, 0, pack('<dddd', 2, remaining, reset_after, 0)
    end
    if cost <= remaining then
      local decision = pack('<dddd', 1, remaining - cost, reset_after, 0)
      return true, used + cost, pending + cost, 0, decision
    end
    local left, retry_after = used, window
    if is_written then
      for at, hit in oldest_first(key) do
        left = left - hit
        if left + cost <= amount then
          retry_after = at + window - now
          break
        end
      end
    end
    return false, 0, 0, 0, pack('<dddd', 0, remaining, reset_after, retry_after)
  end,
  save = save,
}
