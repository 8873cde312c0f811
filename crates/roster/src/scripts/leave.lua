-- Forgets a replica that says goodbye.
-- KEYS: the moments of the last reports, the reports. ARGV: the replica.
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return true
