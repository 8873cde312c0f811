-- Takes a replica's report, and forgets those that have fallen silent.
-- KEYS: the moments of the last reports, the reports, the wish to count, whether somebody looks.
-- ARGV: the replica, its report, for how many milliseconds it counts, whether it takes up wishes (1), and has begun with the last (2).
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
-- A wish is gone only when the replica that took it up says that it has begun: the answer that told of it may never have arrived.
local taken_up = 0
local wish = ARGV[4] ~= '0' and redis.call('GET', KEYS[3])
if wish == ARGV[1] and ARGV[4] == '2' then
  redis.call('DEL', KEYS[3])
elseif wish and (wish == 'now' or wish == ARGV[1] or not redis.call('ZSCORE', KEYS[1], wish)) then
  redis.call('SET', KEYS[3], ARGV[1], 'KEEPTTL')
  taken_up = 1
end
return { taken_up, redis.call('EXISTS', KEYS[4]) }
