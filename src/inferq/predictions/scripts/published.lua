#!lua flags=allow-oom
-- Notes that the broker has taken messages, in this order: out of the outbox, a mark in the order of publishing for each
-- message, and that place in the queue for its prediction.
-- ARGV: task ids, and which of its messages it is (1 is the first), in turn.
local time = text(now())

local function note(id, publish)
  local key = 'inferq:prediction:' .. id
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
  redis.call('HSET', key, 'publishes', publish, 'published', time, 'mark' .. publish, mark)
  redis.call('ZADD', 'inferq:queued:' .. lane, mark, id)
end

redis.call('HINCRBY', 'inferq:counters', 'published', #ARGV / 2)
for i = 1, #ARGV, 2 do note(ARGV[i], tonumber(ARGV[i + 1])) end
