#!lua flags=allow-oom
-- Fails a queued prediction that may not be started any more: its deadline has passed, or its attempts are used up.
-- ARGV: task id, most attempts, retention, the problem, the copy for Celery.
-- Returns 'failed', 'waiting' (it may still be started), 'started' or 'gone'.
local id, most, retention, problem, copy = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local state, attempts = unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'state', 'attempts'))

if not state then return 'gone' end
if state == 'failed' then return 'failed' end
if state ~= 'queued' then return 'started' end
local overdue = tonumber(redis.call('ZSCORE', 'inferq:deadlines', id)) <= now()
if not overdue and tonumber(attempts) < most then return 'waiting' end
settle(id, 'failed', retention, copy, {'error', problem})
return 'failed'
