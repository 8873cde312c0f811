#!lua
-- Lifts an application's last chat number to that of a straggler.
-- KEYS: record, application. ARGV: the number. Answers {RAISED}, {NOT_BELOW} or {MISSING}.
local field = 'chats'
if redis.call('HEXISTS', KEYS[2], 'id') == 0 then
  -- Nothing was given in this epoch yet. Whoever seeds the counter may have read MySQL already: the floor tells them.
  field = 'floor'
end
local last = redis.call('HGET', KEYS[2], field)
local below = not last or tonumber(last) < tonumber(ARGV[1])
if below then
  redis.call('HSET', KEYS[2], field, ARGV[1])
end
if field == 'floor' then
  return {'MISSING'}
end
return {below and 'RAISED' or 'NOT_BELOW'}
