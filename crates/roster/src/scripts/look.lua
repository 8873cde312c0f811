-- Shows the replicas that are alive.
-- KEYS: the moments of the last reports, the reports, the wish to count, whether somebody looks.
-- ARGV: for how many milliseconds a report counts, how many replicas are shown at most.
-- Returns whether somebody wishes to count, then of each replica how many milliseconds ago it reported, and its report.
redis.call('SET', KEYS[4], '1', 'PX', ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local alive = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%d', now - ARGV[1]), '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local seen = {}
for place = 1, #alive, 2 do
  local report = redis.call('HGET', KEYS[2], alive[place])
  if report then
    seen[#seen + 1] = string.format('%d', math.max(0, now - alive[place + 1]))
    seen[#seen + 1] = report
  end
end
return { redis.call('EXISTS', KEYS[3]), seen }
