#!lua
-- Sets an application's id and its last chat number, unless they are there.
-- KEYS: record, application. ARGV: application id, last chat number. Answers {SEEDED} or {PRESENT}.
if redis.call('HEXISTS', KEYS[2], 'id') == 1 then
  return {'PRESENT'}
end
-- {evictions}
-- A straggler that was stored after the caller had read the last number left a floor (raise_chats.lua).
local last = ARGV[2]
local floor = redis.call('HGET', KEYS[2], 'floor')
if floor and tonumber(floor) > tonumber(last) then
  last = floor
end
redis.call('HSET', KEYS[2], 'id', ARGV[1], 'chats', last)
redis.call('HDEL', KEYS[2], 'floor')
return {'SEEDED'}
