#!lua
-- Gives a chat's next message number.
-- KEYS: record, application, counter. ARGV: the chat's number.
-- Answers {ISSUED, application id, number}, {NO_SUCH_CHAT}, {APPLICATION_NOT_SEEDED} or {CHAT_NOT_SEEDED, application id}.

-- An idempotency key belongs here, before the number is taken: its record is read, and below it is written, in this one script.
local application = redis.call('HMGET', KEYS[2], 'id', 'chats')
local id, last_chat = application[1], application[2]
if not id then
  return {'APPLICATION_NOT_SEEDED'}
end
if tonumber(ARGV[1]) > tonumber(last_chat) then
  return {'NO_SUCH_CHAT'}
end
-- INCR would make a missing counter start at 1, and numbers above it may be stored or on their way.
if redis.call('EXISTS', KEYS[3]) == 0 then
  return {'CHAT_NOT_SEEDED', id}
end
return {'ISSUED', id, redis.call('INCR', KEYS[3])}
