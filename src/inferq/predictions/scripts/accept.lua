#!lua
-- Makes a record: queued, with its queue place, its owner's index, its outbox entry and its event.
-- ARGV: task id, idempotency key ('' for none), fingerprint, then the record's fields and values.
-- Returns the outcome and the record's fields. Repeated with the same id it changes nothing.
local id, idempotency, fingerprint = ARGV[1], ARGV[2], ARGV[3]
local key = 'inferq:prediction:' .. id

if redis.call('EXISTS', key) == 1 then
  return {'accepted', redis.call('HGETALL', key)}
end

if idempotency ~= '' then
  local known = redis.call('HMGET', 'inferq:idempotency:' .. idempotency, 'id', 'fingerprint')
  if known[1] then
    local outcome = known[2] == fingerprint and 'replayed' or 'key_reused'
    return {outcome, redis.call('HGETALL', 'inferq:prediction:' .. known[1])}
  end
  redis.call('HSET', 'inferq:idempotency:' .. idempotency, 'id', id, 'fingerprint', fingerprint)
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
local sequence = redis.call('INCR', 'inferq:sequence')
local fields = {}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', key, 'id', id, 'state', 'queued', 'attempts', 0, 'revision', 1, 'created', now,
  'sequence', sequence, 'idempotency', idempotency, unpack(fields))

local record = redis.call('HMGET', key, 'model', 'owner')
redis.call('ZADD', 'inferq:queued:' .. record[1], sequence, id)
redis.call('ZADD', 'inferq:owned:' .. record[2], now, id)
redis.call('ZADD', 'inferq:outbox', now, id)
redis.call('XADD', 'inferq:events', 'MAXLEN', '~', 100000, '*', 'id', id, 'state', 'queued', 'owner', record[2])
return {'accepted', redis.call('HGETALL', key)}
