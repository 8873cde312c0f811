#!lua
-- Gives a chat's next message numbers.
-- KEYS: record, application, counter[, the idempotency key's record]. ARGV: the chat's number, how many, and with such a key:
-- seconds to keep its record, event id and moment, fingerprint, superseded event id.
-- Answers {ISSUED, application id, first number}, {NO_SUCH_CHAT}, {APPLICATION_NOT_SEEDED}, {CHAT_NOT_SEEDED, application id},
-- {PENDING, application id, first number, event id, moment}, or what recall answers.
local recall, remember
local answer, pending
if KEYS[4] then
-- {once}
  answer, pending = recall(KEYS[4], ARGV[5], ARGV[6])
  if answer then
    return answer
  end
end

local application = redis.call('HMGET', KEYS[2], 'id', 'chats')
local id, last_chat = application[1], application[2]
if not id then
  return {'APPLICATION_NOT_SEEDED'}
end
if tonumber(ARGV[1]) > tonumber(last_chat) then
  return {'NO_SUCH_CHAT'}
end
if pending then
  local last = redis.call('GET', KEYS[3])
  if not last then
    return {'CHAT_NOT_SEEDED', id}
  end
  -- A counter that Redis alone has lost is seeded from what is stored, which a pending number may be above.
  local highest = pending[1] + ARGV[2] - 1
  if tonumber(last) < highest then
    redis.call('SET', KEYS[3], string.format('%.0f', highest))
  end
  return {'PENDING', id, unpack(pending)}
end
-- INCRBY would make a missing counter start at 0, and numbers above it may be stored or on their way.
if redis.call('EXISTS', KEYS[3]) == 0 then
  return {'CHAT_NOT_SEEDED', id}
end
local first = redis.call('INCRBY', KEYS[3], ARGV[2]) - ARGV[2] + 1
if KEYS[4] then
  remember(KEYS[4], first, ARGV[4], ARGV[5], ARGV[3])
end
return {'ISSUED', id, first}
