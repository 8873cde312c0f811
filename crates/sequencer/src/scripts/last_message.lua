#!lua flags=no-writes
-- Tells a chat's last message number.
-- KEYS: record, application, counter. Answers {LAST, number} or {MISSING}.
local last = redis.call('GET', KEYS[3])
if not last then
  return {'MISSING'}
end
return {'LAST', last}
