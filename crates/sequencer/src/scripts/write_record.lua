#!lua
-- Replaces the record, unless it names a record of this process with the same or a higher epoch. The caller has read this
-- process' run id on the same connection.
-- KEYS: record. ARGV: epoch, run id. Answers {WRITTEN} or {REFUSED}.
local found = redis.call('GET', KEYS[1])
if found then
  local epoch, run_id = string.match(found, '^(%d+)/(%w+)$')
  if run_id == ARGV[2] and tonumber(epoch) >= tonumber(ARGV[1]) then
    return {'REFUSED'}
  end
end
redis.call('SET', KEYS[1], ARGV[1] .. '/' .. ARGV[2])
return {'WRITTEN'}
