#!lua flags=allow-oom
-- Ends an attempt: a running record becomes terminal, once, if the caller's token is current.
-- ARGV: task id, token, terminal state, retention in microseconds, then fields and values.
-- Returns 'finished', 'fenced' (another attempt or outcome holds) or 'gone'. Repeated with the same
-- token it answers 'finished' again and changes nothing.
local id, token, state, retention = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = 'inferq:prediction:' .. id
local record = redis.call('HMGET', key, 'state', 'token', 'model', 'owner', 'started', 'sequence')

if not record[1] then return 'gone' end
if record[2] ~= token then return 'fenced' end
if record[1] ~= 'running' then return record[1] == state and 'finished' or 'fenced' end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local expires = string.format('%.0f', now + retention)
local fields = {}
for i = 5, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', key, 'state', state, 'finished', string.format('%.0f', now), 'expires', expires, unpack(fields))
redis.call('HINCRBY', key, 'revision', 1)
redis.call('ZREM', 'inferq:leases', id)
redis.call('ZADD', 'inferq:expiry', expires, id)

-- The mean time of an attempt, as a moving average: the expected wait is read off it.
local served = 'inferq:served'
local mean = tonumber(redis.call('HGET', served, record[3]) or now - record[5])
redis.call('HSET', served, record[3], string.format('%.0f', mean * 0.9 + (now - record[5]) * 0.1))

redis.call('XADD', 'inferq:events', 'MAXLEN', '~', 100000, '*', 'id', id, 'state', state, 'owner', record[4])
return 'finished'
