#!lua
-- Blocks entries for an update, whatever lies there. A block is 'B' and for each update ' <name>:<end>', the end in milliseconds
-- since 1970 by this server's clock. Blocking twice counts once.
-- KEYS: entries. ARGV: the update's name, milliseconds until its block expires.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mine = now + ARGV[2]
for _, key in ipairs(KEYS) do
  local found = redis.call('GET', key)
  local block, last = 'B', mine
  if found and string.sub(found, 1, 1) == 'B' then
    for name, ends in string.gmatch(found, ' (%w+):(%d+)') do
      if name ~= ARGV[1] and tonumber(ends) > now then
        block = block .. ' ' .. name .. ':' .. ends
        last = math.max(last, tonumber(ends))
      end
    end
  end
  block = block .. ' ' .. ARGV[1] .. ':' .. string.format('%d', mine)
  redis.call('SET', key, block, 'PXAT', string.format('%d', last))
end
return #KEYS
