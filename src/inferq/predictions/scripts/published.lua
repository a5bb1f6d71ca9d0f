#!lua flags=allow-oom
-- Notes that the broker has taken a message for a prediction: out of the outbox, a mark in the order of
-- publishing for the message, and that place in the queue for the prediction.
-- ARGV: task id, which of its messages this is (1 is the first).
local id, publish = ARGV[1], tonumber(ARGV[2])
local key = 'inferq:prediction:' .. id
redis.call('HINCRBY', 'inferq:counters', 'published', 1)

local state, lane, publishes, before =
  unpack(redis.call('HMGET', key, 'state', 'lane', 'publishes', 'publishes_before'))
if state ~= 'queued' then return end
if publish > before + 1 or publish <= tonumber(publishes) then
  redis.call('HINCRBY', 'inferq:counters', 'republished', 1)
end
-- Two processes that published the same message: the earlier mark is the careful one.
if publish <= tonumber(publishes) then return end
local mark = next_in_sequence()
redis.call('ZREM', 'inferq:outbox', id)
redis.call('HSET', key, 'publishes', publish, 'published', text(now()), 'mark' .. publish, mark)
redis.call('ZADD', 'inferq:queued:' .. lane, mark, id)
