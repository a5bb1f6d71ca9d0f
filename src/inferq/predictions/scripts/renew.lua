#!lua flags=allow-oom
-- Renews the leases of one worker's attempts. A lease that has run out may be renewed as long as nobody
-- requeued its prediction.
-- ARGV: lease, then task ids and tokens in turn.
-- Returns the ids whose token is no longer current: their attempts are fenced off.
local lapses = text(now() + tonumber(ARGV[1]))
local lost = {}
for i = 2, #ARGV, 2 do
  local id, token = ARGV[i], ARGV[i + 1]
  local state, holder = unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'state', 'token'))
  if state == 'running' and holder == token then
    redis.call('ZADD', 'inferq:leases', lapses, id)
  else
    lost[#lost + 1] = id
  end
end
return lost
