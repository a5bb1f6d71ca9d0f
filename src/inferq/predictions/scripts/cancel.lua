#!lua flags=allow-oom
-- Cancels a prediction, queued or running; what a running attempt still produces is fenced off.
-- ARGV: task id, retention, the copy for Celery.
-- Returns the state that it has now ('canceled', or the terminal state it had reached before), or 'gone'; and its model,
-- where this has changed it.
local id, retention, copy = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local state, model = unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'state', 'model'))

if not state then return {'gone'} end
if state == 'queued' or state == 'running' then
  settle(id, 'canceled', retention, copy, {})
  return {'canceled', model}
end
return {state}
