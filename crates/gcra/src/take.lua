-- Takes one request out of a client's bucket, by the generic cell rate algorithm in its virtual scheduling form (ITU-T I.371,
-- annex A): of each client only the theoretical arrival time is kept, which every request that passes moves on by one interval.
-- It passes unless that time would lie further ahead than a whole burst. Redis' own clock counts, so no other one matters.
-- `interval`: between requests, in microseconds. `burst`: in requests.
-- Returns 1 if it passes or 0, how many more would pass now, microseconds until one more than that would.
local function take(key, interval, burst)
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  interval = tonumber(interval)
  local horizon = now + interval * burst

  local stored = tonumber(redis.call('GET', key) or 0)
  -- Beyond the horizon it lies when the limit was lower a moment ago, or the clock has been set back: that is forgotten.
  local arrival = math.min(math.max(stored, now), horizon)

  local passes = 0
  if arrival + interval <= horizon then
    passes = 1
    arrival = arrival + interval
  end
  if arrival ~= stored then
    -- The key lives for as long as it says anything.
    redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000))
  end
  local room = horizon - arrival
  return passes, math.floor(room / interval), interval - room % interval
end
