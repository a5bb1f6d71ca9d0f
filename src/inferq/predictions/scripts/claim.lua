#!lua flags=allow-oom
-- Starts an attempt: a queued record becomes running under the caller's token and lease.
-- ARGV: task id, token, lease, '1' if nothing else runs beside it, most attempts, worker id, which of its
-- messages brought it here (1 is the first; '' where that is not known), the newest schema of records that the worker reads.
-- Returns the outcome and, where it is 'claimed', the record's fields. Repeated with the same token
-- it answers 'claimed' again and changes nothing.
local id, token, lease, alone = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local most, worker, publish, schema = tonumber(ARGV[5]), ARGV[6], ARGV[7], tonumber(ARGV[8])
local key = 'inferq:prediction:' .. id
local state, holder, attempts, lane, queued, not_before, written =
  unpack(redis.call('HMGET', key, 'state', 'token', 'attempts', 'lane', 'queued', 'not_before', 'schema'))

if not state then return {'gone'} end
if state == 'running' then
  if holder == token then return {'claimed', redis.call('HGETALL', key)} end
  return {'leased'}
end
if state ~= 'queued' then return {'finished'} end
if tonumber(written or 1) > schema then return {'newer'} end
-- This attempt is over already: a claim that was sent twice and came late.
if holder == token then return {'leased'} end

local time = now()
if tonumber(attempts) >= most then return {'exhausted'} end
if tonumber(redis.call('ZSCORE', 'inferq:deadlines', id)) <= time then return {'overdue'} end
if not_before and tonumber(not_before) > time then return {'too_early'} end
if tonumber(attempts) >= 1 and alone ~= '1' then return {'needs_alone'} end

-- Messages arrive in the order of publishing: what was published before this message and still waits was
-- overtaken by it, in its lane. The mark is that of the very message that came, not of a later one for the same prediction.
local mark = tonumber(redis.call('HGET', key, 'mark' .. publish) or 0)
if mark > tonumber(redis.call('HGET', 'inferq:arrived', lane) or 0) then
  redis.call('HSET', 'inferq:arrived', lane, mark)
end

redis.call('HINCRBY', key, 'waited', text(time - queued))
redis.call('HINCRBY', key, 'attempts', 1)
leave_queue(id, lane)
redis.call('ZADD', 'inferq:leases', text(time + lease), id)
become(id, 'running', {'token', token, 'worker', worker, 'started', text(time)})
return {'claimed', redis.call('HGETALL', key)}
