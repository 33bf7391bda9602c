-- The quotient of a * b / divisor and the rest, for b <= divisor: long division with digits small
-- enough for every product to be exact.
local function multiply_divide(a, b, divisor)
  if a * b < EXACT then
    local quotient = math.floor(a * b / divisor)
    return quotient, a * b - quotient * divisor
  end
  local base = 2
  while divisor * base * 4 <= EXACT do
    base = base * 2
  end
  local digits = {}
  while a > 0 do
    local digit = a % base
    digits[#digits + 1] = digit
    a = (a - digit) / base
  end
  local quotient, rest = 0, 0
  for i = #digits, 1, -1 do
    rest = rest * base + digits[i] * b
    local part = math.floor(rest / divisor)
    quotient = quotient * base + part
    rest = rest - part * divisor
  end
  return quotient, rest
end
