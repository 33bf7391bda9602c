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
