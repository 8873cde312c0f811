#!lua flags=no-writes
-- Tells an application's last chat number.
-- KEYS: record, application. Answers {LAST, application id, number} or {MISSING}.
local application = redis.call('HMGET', KEYS[2], 'id', 'chats')
if not application[1] then
  return {'MISSING'}
end
return {'LAST', application[1], application[2]}
