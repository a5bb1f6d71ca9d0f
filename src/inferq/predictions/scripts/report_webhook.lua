#!lua flags=allow-oom
-- Notes how an attempt to deliver went, and what follows from it.
-- ARGV: task id, which attempt (1 is the first), the outcome ('delivered', 'failed' or 'gone': the receiver wants no more),
-- pause until the next attempt, pause until anything is sent to that receiver ('' if only this delivery failed), what the
-- log says of the attempt, how many attempts the log keeps, how long the receiver's health is remembered, in seconds.
-- Returns the delivery's state from now on, or 'deleted'. Repeated for the same attempt it changes nothing.
local id, attempt, outcome, pause, lull = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local entry, kept, remembered = ARGV[6], tonumber(ARGV[7]), ARGV[8]
local MOST_DISABLED = 1000
local key = 'inferq:webhook:' .. id
local state, attempts, lane, owner, url, gives_up =
  unpack(redis.call('HMGET', key, 'state', 'attempts', 'lane', 'owner', 'url', 'gives_up'))

if not state then return 'deleted' end
if redis.call('HSETNX', key, 'attempt:' .. attempt, entry) == 0 then return state end
redis.call('HDEL', key, 'attempt:' .. attempt - kept)

local time = now()
local health = 'inferq:receiver:' .. lane
if outcome == 'delivered' then
  redis.call('HSET', health, 'proven', 1, 'failures', 0)
  redis.call('HDEL', health, 'not_before')
elseif lull ~= '' then
  redis.call('HINCRBY', health, 'failures', 1)
  redis.call('HSET', health, 'not_before', text(time + lull))
  redis.call('HDEL', health, 'proven')
end
redis.call('EXPIRE', health, remembered)

if outcome == 'delivered' then
  end_delivery(id, lane, 'delivered', time)
elseif state == 'pending' and attempts == tostring(attempt) then
  if outcome == 'gone' then
    redis.call('ZADD', 'inferq:webhook-disabled:' .. owner, text(time), url)
    redis.call('ZREMRANGEBYRANK', 'inferq:webhook-disabled:' .. owner, 0, -MOST_DISABLED - 1)
    end_delivery(id, lane, 'disabled', time)
  elseif tonumber(gives_up) <= time then
    end_delivery(id, lane, 'given_up', time)
  else
    redis.call('ZADD', 'inferq:webhooks:' .. lane, text(math.min(time + pause, gives_up)), id)
  end
end
look_again(lane)
return redis.call('HGET', key, 'state')
