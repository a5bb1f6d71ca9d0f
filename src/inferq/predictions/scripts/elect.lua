#!lua flags=allow-oom
-- Lets one of the processes that ask do a task, once an interval.
-- ARGV: the task, its interval, how old its last time may be before that counts as a gap.
-- Returns 'elected', 'elected_after_gap' (nobody did it for that long, or the clock was turned back) or 'wait'.
local task, interval, gap = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = now()
local age = time - (redis.call('HGET', 'inferq:upkeep', task) or 0)
if age >= 0 and age < interval then return 'wait' end
redis.call('HSET', 'inferq:upkeep', task, text(time))
if age < 0 or age > gap then return 'elected_after_gap' end
return 'elected'
