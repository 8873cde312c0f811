-- Stands in front of every script that touches a counter. The record is part of the script's text: whoever calls the script has
-- adopted exactly this epoch in exactly this server process. Redis flushed, or a newer epoch opened: the record differs, and no
-- counter may be read or changed. (Redis restarted: the script itself is gone.)
if redis.call('GET', KEYS[1]) ~= '{record}' then
  return redis.error_reply('STALE the adopted record no longer holds')
end
