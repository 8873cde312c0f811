#!lua
-- Gives an application's next chat number.
-- KEYS: record, application. Answers {ISSUED, application id, number} or {NOT_SEEDED}.

-- An idempotency key belongs here, before the number is taken: its record is read, and below it is written, in this one script.
local id = redis.call('HGET', KEYS[2], 'id')
if not id then
  return {'NOT_SEEDED'}
end
return {'ISSUED', id, redis.call('HINCRBY', KEYS[2], 'chats', 1)}
