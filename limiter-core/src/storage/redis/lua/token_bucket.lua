-- "full_at fraction"; what is missing is counted in microseconds and 1 / amount of one.
local function mixed(whole, part, amount)
  local carry = math.floor(part / amount)
  return { whole + carry, part - carry * amount }
end

-- How long a cost takes to come back.
local function time_of(cost, q)
  local whole, part = math.floor(q.window / q.amount), q.window % q.amount
  local quotient, rest = multiply_divide(cost, part, q.amount)
  return { cost * whole + quotient, rest }
end

local function missing(s, q)
  return { math.max(s.full_at - now, 0), math.min(s.fraction, math.max(q.amount - 1, 0)) }
end

local function is_more(a, b)
  return a[1] > b[1] or (a[1] == b[1] and a[2] > b[2])
end

local function plus(a, b, q)
  return mixed(a[1] + b[1], a[2] + b[2], q.amount)
end

local function minus(a, b, q)
  if is_more(b, a) then return { 0, 0 } end
  if a[2] < b[2] then return { a[1] - b[1] - 1, a[2] + q.amount - b[2] } end
  return { a[1] - b[1], a[2] - b[2] }
end

-- How many whole tokens a time is worth, and what is left of it, in 1 / amount microseconds.
local function tokens_in(time, q)
  local windows, part = math.floor(time[1] / q.window), time[1] % q.window
  local quotient, rest = multiply_divide(q.amount, part, q.window)
  local carry = math.floor((rest + time[2]) / q.window)
  return windows * q.amount + quotient + carry, rest + time[2] - carry * q.window
end

local function next_token(time, q)
  if time[1] == 0 and time[2] == 0 then return 0 end
  local _, rest = tokens_in(time, q)
  return math.ceil((rest == 0 and q.window or rest) / q.amount)
end

local function set_missing(s, time)
  s.full_at, s.fraction = now + time[1], time[2]
end

strategies['token-bucket'] = {
  load = function(key)
    local full_at, fraction = numbers(key, 2)
    return { full_at = full_at, fraction = fraction }
  end,
  settle = function(s, q)
    if s.full_at < now then
      s.full_at, s.fraction = now, 0
    elseif q.amount > 0 then
      local full = time_of(q.capacity, q)
      if is_more(missing(s, q), full) then set_missing(s, full) end
    end
  end,
  decide = function(s, q)
    if q.amount == 0 then return deny(q.capacity, 0, -1) end
    local full, gone = time_of(q.capacity, q), missing(s, q)
    local function left(time) return (tokens_in(minus(full, time, q), q)) end
    if impossible(q) then return deny(left(gone), next_token(gone, q), -1) end
    local wanted = plus(gone, time_of(q.cost, q), q)
    if not is_more(wanted, full) then return admit(left(wanted), next_token(wanted, q)) end
    local wait = minus(wanted, full, q)
    return deny(left(gone), next_token(gone, q), wait[2] > 0 and wait[1] + 1 or wait[1])
  end,
  charge = function(s, q) set_missing(s, plus(missing(s, q), time_of(q.cost, q), q)) end,
  refund = function(s, q)
    if q.amount == 0 then return end
    local passed = { math.max(now - q.charged_at, 0), 0 }
    if not is_more(time_of(q.capacity, q), passed) then return end
    local cost = math.min(q.cost, q.capacity)
    set_missing(s, minus(missing(s, q), time_of(cost, q), q))
  end,
  save = function(key, s)
    local missing = math.max(s.full_at - now, 0)
    store(key, missing + s.fraction, text(s.full_at, s.fraction), missing)
  end,
}
