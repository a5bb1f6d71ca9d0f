#!lua flags=allow-oom
-- Registers a living worker and what it serves, until its term ends.
-- ARGV: worker id, slots, slots that were free all the time since the last report, term in microseconds,
-- then model references and their cards in turn.
local worker, slots, free, term = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local key = 'inferq:worker:' .. worker
redis.call('HSET', key, 'slots', slots, 'free', free, 'reported', string.format('%.0f', now))
redis.call('PEXPIRE', key, math.ceil(term / 1000))
for i = 5, #ARGV, 2 do
  local serving = 'inferq:serving:' .. ARGV[i]
  redis.call('HSET', 'inferq:cards', ARGV[i], ARGV[i + 1])
  redis.call('ZADD', serving, string.format('%.0f', now + term), worker)
  redis.call('ZREMRANGEBYSCORE', serving, '-inf', string.format('(%.0f', now))
end
