#!lua flags=allow-oom
-- Deletes a prediction in whatever state. Its blobs become garbage once nobody can be reading them any more.
-- ARGV: task id, how long an attempt that this cuts off may go on.
-- Returns 'deleted' or 'gone'.
local id, term = ARGV[1], tonumber(ARGV[2])
local key = 'inferq:prediction:' .. id
local state, lane, owner, model, batch, idempotency, input_key, labels = unpack(redis.call('HMGET', key,
  'state', 'lane', 'owner', 'model', 'batch', 'idempotency', 'input_key', 'labels'))

if not state then return 'gone' end
local revision = redis.call('HGET', key, 'revision') + 1
redis.call('DEL', key, 'celery-task-meta-' .. id)
leave_queue(id, lane)
redis.call('ZREM', 'inferq:leases', id)
redis.call('ZREM', 'inferq:expiry', id)
local mine = {'owned:' .. owner, 'unfinished:' .. owner, 'ended:' .. owner .. ':' .. state, 'model:' .. owner .. ':' .. model}
if batch then mine[#mine + 1] = 'batch:' .. owner .. ':' .. batch end
for _, label in ipairs(cjson.decode(labels or '[]')) do mine[#mine + 1] = 'label:' .. owner .. ':' .. label end
for _, index in ipairs(mine) do redis.call('ZREM', 'inferq:' .. index, id) end
local receiver = redis.call('HGET', 'inferq:webhook:' .. id, 'lane')
if receiver then
  leave_lane(id, receiver)
  redis.call('DEL', 'inferq:webhook:' .. id)
  redis.call('ZREM', 'inferq:deliveries:' .. owner, id)
end
if idempotency ~= '' then redis.call('DEL', 'inferq:idempotency:' .. idempotency) end
local due = now() + (state == 'running' and term or 0)
redis.call('ZADD', 'inferq:garbage', text(due), id .. ' ' .. input_key)
pass(id, state, nil, {owner = owner, model = model, batch = batch, revision = revision})
return 'deleted'
