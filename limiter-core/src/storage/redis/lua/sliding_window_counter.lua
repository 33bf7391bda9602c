-- started_at, previous, current
strategies[3] = function(key, value, refunds, amount, capacity, window, cost, charged_at)
  local started_at, previous, current = numbers(key, value, '<ddd', 24)
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
    if charged_at >= started_at then
      current = max(current - cost, 0)
    elseif started_at - charged_at <= window then
      previous = max(previous - cost, 0)
    end
  elseif amount == 0 or cost > min(capacity, amount) then
    return false
  elseif cost > 0 then
    local left = window - (now - started_at)
    local weighted = multiply_divide(previous, left - 1, window)
    if weighted + current + cost > amount then return false end
    current = current + cost
  end
  local used = previous + current
  local new = used > 0 and pack('<ddd', started_at, previous, current)
  return true, new, started_at + 2 * window - now
end
