-- started_at, previous, current
strategies[3] = {
  nothing = '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  read = function(key, value)
    return numbers(key, value, '<ddd', 24)
  end,
  charge = function(started_at, previous, current, terms, refunds)
    local amount, window, cost = terms.amount, terms.window, terms.cost
    local elapsed = max(now - started_at, 0)
    if previous == 0 and current == 0 then
      started_at = now
    elseif elapsed < window then
      started_at = min(started_at, now)
    elseif elapsed - window < window and current > 0 then
      started_at, previous, current = started_at + window, current, 0
    else
      started_at, previous, current = now, 0, 0
    end
    if refunds then
      if terms.charged_at >= started_at then
        current = max(current - cost, 0)
      elseif started_at - terms.charged_at <= window then
        previous = max(previous - cost, 0)
      end
    elseif terms.admits_none then
      return false
    elseif cost > 0 then
      local left = window - (now - started_at)
      local weighted = multiply_divide(previous, left - 1, window)
      if weighted + current + cost > amount then return false end
      current = current + cost
    end
    return true, started_at, previous, current
  end,
  write = function(started_at, previous, current, window)
    local value = previous + current > 0 and pack('<ddd', started_at, previous, current)
    return value, started_at + 2 * window - now
  end,
}
