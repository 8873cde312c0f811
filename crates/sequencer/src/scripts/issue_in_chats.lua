#!lua
-- Gives several chats of one application their next message numbers.
-- KEYS: record, application, each chat's counter. ARGV: of each chat its number and how many.
-- Answers for each chat {ISSUED, application id, first number}, {NO_SUCH_CHAT}, {APPLICATION_NOT_SEEDED} or {CHAT_NOT_SEEDED,
-- application id}, as a call for it alone would; or {FAILED, Redis' error}, which must not cost the other chats their numbers.
local application = redis.call('HMGET', KEYS[2], 'id', 'chats')
local id, last_chat = application[1], application[2]

local function issue(counter, chat, count)
  if not id then
    return {'APPLICATION_NOT_SEEDED'}
  end
  if tonumber(chat) > tonumber(last_chat) then
    return {'NO_SUCH_CHAT'}
  end
  -- INCRBY would make a missing counter start at 0, and numbers above it may be stored or on their way.
  if redis.call('EXISTS', counter) == 0 then
    return {'CHAT_NOT_SEEDED', id}
  end
  local last = redis.pcall('INCRBY', counter, count)
  if type(last) == 'table' then
    return {'FAILED', last.err}
  end
  return {'ISSUED', id, last - count + 1}
end

local answers = {}
for index = 3, #KEYS do
  answers[index - 2] = issue(KEYS[index], ARGV[2 * index - 5], ARGV[2 * index - 4])
end
return answers
