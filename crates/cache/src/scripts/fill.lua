#!lua
-- Puts a value in the place of the reader's own lease.
-- KEYS: entry. ARGV: lease, value, milliseconds to live. Answers 1, or 0 when the lease is no longer there.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
