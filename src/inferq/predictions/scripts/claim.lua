#!lua flags=allow-oom
-- Starts an attempt: a queued record becomes running under the caller's token and lease.
-- ARGV: task id, token, lease in microseconds, '1' if nothing else runs beside it, most attempts.
-- Returns the outcome and, where it is 'claimed', the record's fields. Repeated with the same token
-- it answers 'claimed' again and changes nothing.
local id, token, lease, alone, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local key = 'inferq:prediction:' .. id
local record = redis.call('HMGET', key, 'state', 'token', 'attempts', 'model', 'owner')
local state, holder, attempts, model, owner = unpack(record)

if not state then return {'gone'} end
if state == 'running' and holder == token then return {'claimed', redis.call('HGETALL', key)} end
if state == 'running' then return {'leased'} end
if state ~= 'queued' then return {'finished'} end
if tonumber(attempts) >= most then return {'exhausted'} end
if tonumber(attempts) >= 1 and alone ~= '1' then return {'needs_alone'} end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('HSET', key, 'state', 'running', 'token', token, 'started', string.format('%.0f', now))
redis.call('HINCRBY', key, 'attempts', 1)
redis.call('HINCRBY', key, 'revision', 1)
redis.call('ZADD', 'inferq:leases', string.format('%.0f', now + lease), id)
redis.call('ZREM', 'inferq:queued:' .. model, id)
redis.call('ZREM', 'inferq:outbox', id)
redis.call('XADD', 'inferq:events', 'MAXLEN', '~', 100000, '*', 'id', id, 'state', 'running', 'owner', owner)
return {'claimed', redis.call('HGETALL', key)}
