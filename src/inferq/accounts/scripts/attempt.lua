#!lua flags=allow-oom
-- Counts one attempt to sign in, unless it comes too early: behind `free` of them each has to wait twice as long.
-- ARGV: what is counted, free, longest wait, how long it is remembered. Returns the time still to wait, 0 to go on.
local key, free, longest = 'inferq:attempts:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time, known = now(), redis.call('HMGET', key, 'count', 'next')
local due = tonumber(known[2] or 0)
if time < due then return text(due - time) end
local count = tonumber(known[1] or 0) + 1
local wait = count < free and 0 or math.min(2 ^ (count - free) * 1000000, longest)
redis.call('HSET', key, 'count', count, 'next', text(time + wait))
redis.call('PEXPIRE', key, math.ceil(tonumber(ARGV[4]) / 1000))
return '0'
