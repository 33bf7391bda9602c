local counters, reply, admitted = {}, { 1, now }, true
local charges = {}
for i = 3, #ARGV, 8 do
  local q = {
    place = tonumber(ARGV[i]), strategy = strategies[ARGV[i + 1]], amount = tonumber(ARGV[i + 2]),
    capacity = tonumber(ARGV[i + 3]), window = tonumber(ARGV[i + 4]), cost = tonumber(ARGV[i + 5]),
    mode = ARGV[i + 6], charged_at = tonumber(ARGV[i + 7]),
  }
  local counter = counters[q.place]
  if not counter then
    counter = { state = q.strategy.load(KEYS[q.place]) }
    counters[q.place] = counter
  end
  q.strategy.settle(counter.state, q)
  if verb == 'refund' then
    q.strategy.refund(counter.state, q)
    counter.changed = q
  else
    local decision = q.strategy.decide(counter.state, q)
    local takes = decision[1] == 1 and q.cost > 0 and q.mode ~= 'test'
    if takes then
      q.strategy.charge(counter.state, q)
      counter.changed = q
    end
    if decision[1] == 0 and q.mode ~= 'shadow' then admitted = false end
    charges[#charges + 1] = { decision, takes }
  end
end

local takes_place = verb == 'refund' or (verb == 'hit' and admitted)
if takes_place then
  for place, counter in pairs(counters) do
    local q = counter.changed
    if q then q.strategy.save(KEYS[place], counter.state, q) end
  end
end
if not admitted then reply[1] = 0 end
for _, charge in ipairs(charges) do
  for part = 1, 4 do
    reply[#reply + 1] = charge[1][part]
  end
  reply[#reply + 1] = (charge[2] and takes_place) and 1 or 0
end
return reply
