#!lua flags=allow-oom
-- Gives every running attempt one more term: for a while nobody could have renewed it.
-- ARGV: the term.
local lapses = now() + tonumber(ARGV[1])
for _, id in ipairs(redis.call('ZRANGE', 'inferq:leases', 0, -1)) do
  redis.call('ZADD', 'inferq:leases', 'GT', text(lapses), id)
end
