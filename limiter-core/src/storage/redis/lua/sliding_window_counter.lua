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
