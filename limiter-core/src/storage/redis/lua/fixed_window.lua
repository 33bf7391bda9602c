-- ends_at, used
strategies[1] = {
  nothing = '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  read = function(key, value)
    return numbers(key, value, '<dd', 16)
  end,
  charge = function(ends_at, used, _, terms, refunds)
    local window, cost = terms.window, terms.cost
    local fresh = now + window
    if now >= ends_at or used == 0 then
      ends_at, used = fresh, 0
    elseif ends_at > fresh then
      ends_at = fresh
    end
    if refunds then
      if terms.charged_at + window >= ends_at then used = max(used - cost, 0) end
    elseif terms.admits_none or (cost > 0 and used + cost > terms.amount) then
      return false
    else
      used = used + cost
    end
    return true, ends_at, used, 0
  end,
  write = function(ends_at, used)
    return used > 0 and pack('<dd', ends_at, used), ends_at - now
  end,
}
