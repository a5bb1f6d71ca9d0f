#!lua flags=allow-oom
-- Deletes a prediction in whatever state. Its blobs become garbage once nobody can be reading them any more.
-- ARGV: task id, how long an attempt that this cuts off may go on.
-- Returns 'deleted' or 'gone'.
local id, term = ARGV[1], tonumber(ARGV[2])
local key = 'inferq:prediction:' .. id
local state, lane, owner, batch, idempotency, input_key =
  unpack(redis.call('HMGET', key, 'state', 'lane', 'owner', 'batch', 'idempotency', 'input_key'))

if not state then return 'gone' end
redis.call('DEL', key)
leave_queue(id, lane)
redis.call('ZREM', 'inferq:leases', id)
redis.call('ZREM', 'inferq:expiry', id)
redis.call('ZREM', 'inferq:owned:' .. owner, id)
redis.call('ZREM', 'inferq:unfinished:' .. owner, id)
if batch then redis.call('ZREM', 'inferq:batch:' .. owner .. ':' .. batch, id) end
if idempotency ~= '' then redis.call('DEL', 'inferq:idempotency:' .. idempotency) end
local due = now() + (state == 'running' and term or 0)
redis.call('ZADD', 'inferq:garbage', text(due), id .. ' ' .. input_key)
announce(id, 'deleted', owner)
return 'deleted'
