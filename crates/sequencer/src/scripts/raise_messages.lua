#!lua
-- Lifts a chat's last message number to that of a straggler.
-- KEYS: record, application, counter. ARGV: the chat's number, the message's number. Answers {RAISED}, {NOT_BELOW} or {MISSING}.
local last = redis.call('GET', KEYS[3])
if last then
  if tonumber(last) >= tonumber(ARGV[2]) then
    return {'NOT_BELOW'}
  end
  redis.call('SET', KEYS[3], ARGV[2])
  return {'RAISED'}
end
-- Nothing was given in this epoch yet. Whoever seeds the counter may have read MySQL already: the floor tells them.
local field = 'floor:' .. ARGV[1]
local floor = redis.call('HGET', KEYS[2], field)
if not floor or tonumber(floor) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], field, ARGV[2])
end
return {'MISSING'}
