#!lua flags=allow-oom
-- Registers a living worker and what it serves, until its term ends.
-- ARGV: worker id, slots, slots that were free all the time since the last report, term in microseconds,
-- then model references, their cards, and `serving` or `drained` (it takes nothing new) in turn.
local worker, slots, free, term = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local key = 'inferq:worker:' .. worker
redis.call('HSET', key, 'slots', slots, 'free', free, 'reported', string.format('%.0f', now))
redis.call('PEXPIRE', key, math.ceil(term / 1000))
for i = 5, #ARGV, 3 do
  local model, card, how = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  redis.call('HSET', 'inferq:cards', model, card)
  for _, list in ipairs({'serving', 'drained'}) do
    local workers = 'inferq:' .. list .. ':' .. model
    if list == how then
      redis.call('ZADD', workers, string.format('%.0f', now + term), worker)
    else
      redis.call('ZREM', workers, worker)
    end
    redis.call('ZREMRANGEBYSCORE', workers, '-inf', string.format('(%.0f', now))
  end
end
