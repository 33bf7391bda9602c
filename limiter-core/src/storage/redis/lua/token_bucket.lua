-- full_at, fraction; what is missing is counted in microseconds and 1 / amount of one.

-- How long a cost takes to come back.
local function time_of(cost, window, amount)
  local part = window % amount
  local quotient, rest = multiply_divide(cost, part, amount)
  return cost * ((window - part) / amount) + quotient, rest
end

strategies[4] = {
  nothing = '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  read = function(key, value)
    return numbers(key, value, '<dd', 16)
  end,
  -- How long the capacity and the cost take to come back.
  prepare = function(terms, capacity)
    local amount, window = terms.amount, terms.window
    terms.full, terms.full_part, terms.whole, terms.rest = 0, 0, 0, 0
    if amount > 0 then
      terms.full, terms.full_part = time_of(capacity, window, amount)
      terms.whole, terms.rest = time_of(min(terms.cost, capacity), window, amount)
    end
  end,
  charge = function(full_at, fraction, _, terms, refunds)
    local amount, full, full_part = terms.amount, terms.full, terms.full_part
    local missing, part = max(full_at - now, 0), min(fraction, max(amount - 1, 0))
    if full_at < now then
      full_at, fraction, part = now, 0, 0
    elseif amount > 0 and (missing > full or (missing == full and part > full_part)) then
      missing, part = full, full_part
      full_at, fraction = now + missing, part
    end
    if refunds then
      local passed = max(now - terms.charged_at, 0)
      -- By then an empty bucket has become full.
      local counts = passed < full or (passed == full and full_part > 0)
      if amount > 0 and counts then
        missing, part = missing - terms.whole, part - terms.rest
        if part < 0 then missing, part = missing - 1, part + amount end
        if missing < 0 then missing, part = 0, 0 end
        full_at, fraction = now + missing, part
      end
    elseif terms.admits_none then
      return false
    elseif terms.cost > 0 then
      missing, part = missing + terms.whole, part + terms.rest
      if part >= amount then missing, part = missing + 1, part - amount end
      if missing > full or (missing == full and part > full_part) then return false end
      full_at, fraction = now + missing, part
    end
    return true, full_at, fraction, 0
  end,
  write = function(full_at, fraction)
    local missing = full_at - now
    return missing + fraction > 0 and pack('<dd', full_at, fraction), missing
  end,
}
