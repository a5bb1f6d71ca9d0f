#!lua flags=allow-oom
-- Puts a running prediction back and takes the attempt back: what stopped it was not its fault.
-- ARGV: task id, token, how long it is not started again.
-- Returns 'released', 'fenced' or 'gone'. Repeated with the same token it answers 'released' again.
local id, token, delay = ARGV[1], ARGV[2], tonumber(ARGV[3])
local state, holder, attempts = unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'state', 'token', 'attempts'))

if not state then return 'gone' end
if holder ~= token then return 'fenced' end
if state == 'queued' then return 'released' end
if state ~= 'running' then return 'fenced' end

local time = now()
back_to_queue(id, tonumber(attempts) - 1, time + delay, time)
return 'released'
