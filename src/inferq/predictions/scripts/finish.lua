#!lua flags=allow-oom
-- Ends an attempt: a running record becomes terminal, once, if the caller's token is current.
-- ARGV: task id, token, terminal state, retention, its copy for Celery, the labels that were found as a JSON array, then
-- fields and values.
-- Returns 'finished', 'fenced' (another attempt or outcome holds) or 'gone'. Repeated with the same
-- token it answers 'finished' again and changes nothing.
local id, token, state, retention = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local copy, labels = ARGV[5], ARGV[6]
local current, holder, model, started, owner, created =
  unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'state', 'token', 'model', 'started', 'owner', 'created'))

if not current then return 'gone' end
if holder ~= token then return 'fenced' end
if current ~= 'running' then return current == state and 'finished' or 'fenced' end

settle(id, state, retention, copy, {'labels', labels, unpack(rest(7))})
for _, label in ipairs(cjson.decode(labels)) do
  redis.call('ZADD', 'inferq:label:' .. owner .. ':' .. label, created, id)
end

-- How fast the queue drains: the mean time of an attempt, and the mean time between two ends while others wait.
local drain = 'inferq:drain:' .. model
local time = now()
local service, interval, last = unpack(redis.call('HMGET', drain, 'service', 'interval', 'last'))
local took = time - started
redis.call('HSET', drain, 'service', text((service or took) * 0.9 + took * 0.1))
if last then
  local gap = time - last
  redis.call('HSET', drain, 'interval', text((interval or gap) * 0.9 + gap * 0.1))
end
if redis.call('ZCARD', 'inferq:queued:' .. model) > 0 then
  redis.call('HSET', drain, 'last', text(time))
else
  redis.call('HDEL', drain, 'last')
end
return 'finished'
