#!lua
-- Gives an application's next chat number.
-- KEYS: record, application[, the idempotency key's record]. ARGV, with such a key only: seconds to keep its record, event id and
-- moment, fingerprint, superseded event id. Answers {ISSUED, application id, number}, {NOT_SEEDED}, {PENDING, application id,
-- number, event id, moment}, or what recall answers.
local recall, remember
local answer, pending
if KEYS[3] then
-- {once}
  answer, pending = recall(KEYS[3], ARGV[3], ARGV[4])
  if answer then
    return answer
  end
end

local application = redis.call('HMGET', KEYS[2], 'id', 'chats')
local id = application[1]
if not id then
  return {'NOT_SEEDED'}
end
if pending then
  -- A counter that Redis alone has lost is seeded from what is stored, which a pending number may be above.
  if tonumber(application[2]) < tonumber(pending[1]) then
    redis.call('HSET', KEYS[2], 'chats', pending[1])
  end
  return {'PENDING', id, unpack(pending)}
end
local number = redis.call('HINCRBY', KEYS[2], 'chats', 1)
if KEYS[3] then
  remember(KEYS[3], number, ARGV[2], ARGV[3], ARGV[1])
end
return {'ISSUED', id, number}
