#!lua
-- Notes in an idempotency key's record that the broker has confirmed the event, if the record is that event's still.
-- KEYS: record, the idempotency key's record. ARGV: the event's id. Answers {CONFIRMED} or {OTHER}.
local text = redis.call('GET', KEYS[2])
if not text or string.match(text, '^%u %d+ %d+ (%x+) ') ~= ARGV[1] then
  return {'OTHER'}
end
-- In place: the record keeps its time to live.
redis.call('SETRANGE', KEYS[2], 0, 'C')
return {'CONFIRMED'}
