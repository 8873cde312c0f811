-- Stands around a script that gives numbers, behind the guard, for requests of clients that are limited: one call takes the request
-- out of its client's bucket and, if it passes, gives it its number. One that does not pass touches nothing else.
-- KEYS and ARGV: the script's own, and as the last ones the bucket's key, and its interval in microseconds and its burst.
-- Answers {how many more would pass now, microseconds until one more than that would[, the script's own answer, if it passes]}.
-- {take}
local key, burst, interval = table.remove(KEYS), table.remove(ARGV), table.remove(ARGV)
local passes, remaining, next_us = take(key, interval, burst)
if passes == 0 then
  return {remaining, next_us}
end
-- What it finds in KEYS and ARGV is what it would find by itself.
local function issue()
-- {issue}
end
return {remaining, next_us, issue()}
