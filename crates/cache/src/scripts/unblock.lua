#!lua
-- Lifts an update's block. Others' blocks stay. Where the update's own was lost, what has come in its place goes: it may be old.
-- KEYS: entries. ARGV: the update's name. Answers how many of its blocks were there.
local lifted = 0
for _, key in ipairs(KEYS) do
  local found = redis.call('GET', key)
  local others = ''
  if found and string.sub(found, 1, 1) == 'B' then
    for name, ends in string.gmatch(found, ' (%w+):(%d+)') do
      if name == ARGV[1] then
        lifted = lifted + 1
      else
        others = others .. ' ' .. name .. ':' .. ends
      end
    end
  end
  if others ~= '' then
    redis.call('SET', key, 'B' .. others, 'KEEPTTL')
  elseif found then
    redis.call('DEL', key)
  end
end
return lifted
