#!lua flags=allow-oom
-- Registers what a living worker serves, until its term ends.
-- ARGV: worker id, slots, term in microseconds, then model references and their cards in turn.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local member = ARGV[1] .. '/' .. ARGV[2]
for i = 4, #ARGV, 2 do
  local serving = 'inferq:serving:' .. ARGV[i]
  redis.call('HSET', 'inferq:cards', ARGV[i], ARGV[i + 1])
  redis.call('ZADD', serving, string.format('%.0f', now + tonumber(ARGV[3])), member)
  redis.call('ZREMRANGEBYSCORE', serving, '-inf', string.format('(%.0f', now))
end
