#!lua flags=allow-oom
-- Lends out entries of the outbox that are due; if they are not published in time they are due again.
-- ARGV: most entries, how long they are lent.
-- Returns task ids, lanes and the number of the message to be published in turn.
local time = now()
local due = redis.call('ZRANGEBYSCORE', 'inferq:outbox', '-inf', text(time), 'LIMIT', 0, ARGV[1])
local taken = {}
for place, id in ipairs(due) do
  local lane, publishes = unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'lane', 'publishes'))
  redis.call('ZADD', 'inferq:outbox', text(time + tonumber(ARGV[2]) + place), id)
  taken[#taken + 1] = id
  taken[#taken + 1] = lane
  taken[#taken + 1] = publishes + 1
end
return taken
