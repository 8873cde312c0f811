-- Takes a replica's report, and forgets those that have fallen silent.
-- KEYS: the moments of the last reports, the reports, the wish to count, whether somebody looks.
-- ARGV: the replica, its report, for how many milliseconds it counts, whether it takes up wishes (1).
-- Returns whether there was a wish and it was taken up, and whether somebody looks.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function forget(from, to)
  for _, replica in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], from, to)) do
    redis.call('ZREM', KEYS[1], replica)
    redis.call('HDEL', KEYS[2], replica)
  end
end
forget('-inf', string.format('%d', now - ARGV[3]))
-- Reports of a time that is still to come were made before the clock was set back. Who is alive reports again; a short step passes.
forget(string.format('(%d', now + ARGV[3]), '+inf')
redis.call('ZADD', KEYS[1], string.format('%d', now), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local taken_up = 0
if ARGV[4] == '1' then
  taken_up = redis.call('DEL', KEYS[3])
end
return { taken_up, redis.call('EXISTS', KEYS[4]) }
