#!lua flags=allow-oom
-- Cancels a prediction, queued or running; what a running attempt still produces is fenced off.
-- ARGV: task id, retention.
-- Returns the state that it has now ('canceled', or the terminal state it had reached before), or 'gone'.
local id, retention = ARGV[1], tonumber(ARGV[2])
local state = redis.call('HGET', 'inferq:prediction:' .. id, 'state')

if not state then return 'gone' end
if state == 'queued' or state == 'running' then
  settle(id, 'canceled', retention, {})
  return 'canceled'
end
return state
