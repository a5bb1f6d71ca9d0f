#!lua flags=allow-oom
-- Ends an attempt that its worker will not end: the prediction is queued again, the attempt stays counted;
-- after the last one it fails.
-- ARGV: task id, token of the attempt, '1' if its worker is known to be dead (else its lease must have
-- run out), most attempts, retention, the problem to fail with, its copy for Celery.
-- Returns 'requeued', 'failed', 'held' (the lease runs), 'fenced' or 'gone'. Repeated with the same token
-- it answers the same again and changes nothing.
local id, token, dead, most, retention, problem, copy =
  ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
local state, holder, attempts = unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'state', 'token', 'attempts'))

if not state then return 'gone' end
if holder ~= token then return 'fenced' end
if state == 'queued' then return 'requeued' end
if state ~= 'running' then return state == 'failed' and 'failed' or 'fenced' end

local time = now()
local lapses = tonumber(redis.call('ZSCORE', 'inferq:leases', id) or 0)
if dead ~= '1' and lapses > time then return 'held' end
if tonumber(attempts) >= most then
  settle(id, 'failed', retention, copy, {'error', problem})
  return 'failed'
end
back_to_queue(id, tonumber(attempts), time, time)
return 'requeued'
