-- For scripts that set a missing counter. If keys were evicted since the epoch was opened, the counter may have been one of them, and a
-- number that it gave may still be on its way to the queue, where the caller's fence has passed it by: only a new epoch is safe.
if string.format('%016.0f', string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)')) ~= '{evicted}' then
  return redis.error_reply('STALE keys were evicted in the adopted epoch')
end
