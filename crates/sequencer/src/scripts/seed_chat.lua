#!lua
-- Sets a chat's last message number, unless it is there.
-- KEYS: record, application, counter. ARGV: the chat's number, its last message number. Answers {SEEDED} or {PRESENT}.
if redis.call('EXISTS', KEYS[3]) == 1 then
  return {'PRESENT'}
end
-- {evictions}
-- A straggler that was stored after the caller had read the last number left a floor (raise_messages.lua).
local last, field = ARGV[2], 'floor:' .. ARGV[1]
local floor = redis.call('HGET', KEYS[2], field)
if floor and tonumber(floor) > tonumber(last) then
  last = floor
end
redis.call('SET', KEYS[3], last)
redis.call('HDEL', KEYS[2], field)
return {'SEEDED'}
