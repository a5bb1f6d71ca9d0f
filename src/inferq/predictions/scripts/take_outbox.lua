#!lua flags=allow-oom
-- Lends out entries of the outbox that are due; if they are not published in time they are due again.
-- ARGV: most entries, how long they are lent.
-- Returns task ids, lanes, the number of the message to be published and the trace context in turn.
local time = now()
local due = redis.call('ZRANGEBYSCORE', 'inferq:outbox', '-inf', text(time), 'LIMIT', 0, ARGV[1])
local taken = {}
for place, id in ipairs(due) do
  local lane, publishes, traceparent =
    unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'lane', 'publishes', 'traceparent'))
  redis.call('ZADD', 'inferq:outbox', text(time + tonumber(ARGV[2]) + place), id)
  taken[#taken + 1] = id
  taken[#taken + 1] = lane
  taken[#taken + 1] = publishes + 1
  taken[#taken + 1] = traceparent or ''
end
return taken
