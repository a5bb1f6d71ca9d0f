#!lua flags=allow-oom
-- Renews the leases of one worker's attempts.
-- ARGV: lease in microseconds, then task ids and tokens in turn.
-- Returns the ids whose token is no longer current: their attempts are fenced off.
local time = redis.call('TIME')
local until_ = string.format('%.0f', time[1] * 1000000 + time[2] + tonumber(ARGV[1]))
local lost = {}
for i = 2, #ARGV, 2 do
  local id, token = ARGV[i], ARGV[i + 1]
  local record = redis.call('HMGET', 'inferq:prediction:' .. id, 'state', 'token')
  if record[1] == 'running' and record[2] == token then
    redis.call('ZADD', 'inferq:leases', until_, id)
  else
    lost[#lost + 1] = id
  end
end
return lost
