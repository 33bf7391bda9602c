-- ends_at, used
strategies[1] = function(key, value, refunds, amount, capacity, window, cost, charged_at)
  local ends_at, used = numbers(key, value, '<dd', 16)
  local fresh = now + window
  if now >= ends_at or used == 0 then
    ends_at, used = fresh, 0
  elseif ends_at > fresh then
    ends_at = fresh
  end
  if refunds then
    if charged_at + window >= ends_at then used = max(used - cost, 0) end
  elseif amount == 0 or cost > capacity or (cost > 0 and used + cost > amount) then
    return false
  else
    used = used + cost
  end
  return true, used > 0 and pack('<dd', ends_at, used), ends_at - now
end
