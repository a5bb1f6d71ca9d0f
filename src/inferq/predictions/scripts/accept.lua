#!lua
-- Makes a record: queued, with its queue place, its owner's indexes, its outbox entry and its event.
-- ARGV: task id, idempotency key ('' for none), fingerprint, grace until its message is due,
-- queue timeout, start within ('' for no limit), most queued, most unfinished of one owner,
-- then the record's fields and values.
-- Returns the outcome, the record's fields and, of what is queued, where it stands. Repeated with the same id it changes
-- nothing.
local id, idempotency, fingerprint, grace = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local timeout, start_within = tonumber(ARGV[5]), tonumber(ARGV[6])
local most_queued, most_unfinished = tonumber(ARGV[7]), tonumber(ARGV[8])
local fields = rest(9)
local key = 'inferq:prediction:' .. id

local function accepted()
  local state, lane, model = unpack(redis.call('HMGET', key, 'state', 'lane', 'model'))
  return {'accepted', redis.call('HGETALL', key), state == 'queued' and standing(id, lane, model) or nil}
end

if redis.call('EXISTS', key) == 1 then return accepted() end

if idempotency ~= '' then
  local known = redis.call('HMGET', 'inferq:idempotency:' .. idempotency, 'id', 'fingerprint')
  if known[1] then
    local outcome = known[2] == fingerprint and 'replayed' or 'key_reused'
    return {outcome, redis.call('HGETALL', 'inferq:prediction:' .. known[1])}
  end
end

local given = {}
for i = 1, #fields, 2 do given[fields[i]] = fields[i + 1] end
local owner, model, batch = given.owner, given.model, given.batch

if redis.call('ZCARD', 'inferq:deadlines') >= most_queued then return {'queue_full'} end
if redis.call('ZCARD', 'inferq:unfinished:' .. owner) >= most_unfinished then return {'too_many_in_flight'} end

local time = now()
local deadline = time + timeout
redis.call('HSET', key, 'id', id, 'attempts', 0, 'revision', 0, 'created', text(time),
  'queued', text(time), 'waited', 0, 'queue_timeout', timeout, 'publishes', 0, 'publishes_before', 0, 'idempotency', idempotency,
  unpack(fields))
if start_within then
  deadline = math.min(deadline, time + start_within)
  redis.call('HSET', key, 'start_by', text(time + start_within))
end
if idempotency ~= '' then
  redis.call('HSET', 'inferq:idempotency:' .. idempotency, 'id', id, 'fingerprint', fingerprint)
end
enter_queue(id, model, time + grace, deadline)
redis.call('ZADD', 'inferq:owned:' .. owner, text(time), id)
redis.call('ZADD', 'inferq:unfinished:' .. owner, text(time), id)
redis.call('ZADD', 'inferq:model:' .. owner .. ':' .. model, text(time), id)
if batch then redis.call('ZADD', 'inferq:batch:' .. owner .. ':' .. batch, text(time), id) end
become(id, 'queued', {})
return accepted()
