-- "ends_at used"
strategies['fixed-window'] = {
  load = function(key)
    local ends_at, used = numbers(key, 2)
    return { ends_at = ends_at, used = used }
  end,
  settle = function(s, q)
    local fresh = now + q.window
    if now >= s.ends_at or s.used == 0 then
      s.ends_at, s.used = fresh, 0
    elseif s.ends_at > fresh then
      s.ends_at = fresh
    end
  end,
  decide = function(s, q)
    local remaining = math.max(q.amount - s.used, 0)
    local left = s.ends_at - now
    local reset_after = s.used == 0 and 0 or left
    if impossible(q) then return deny(remaining, reset_after, -1) end
    if q.cost == 0 then return admit(remaining, reset_after) end
    if q.cost <= remaining then return admit(remaining - q.cost, left) end
    return deny(remaining, reset_after, left)
  end,
  charge = function(s, q) s.used = s.used + q.cost end,
  refund = function(s, q)
    if q.charged_at + q.window >= s.ends_at then s.used = math.max(s.used - q.cost, 0) end
  end,
  save = function(key, s) store(key, s.used, text(s.ends_at, s.used), s.ends_at - now) end,
}
