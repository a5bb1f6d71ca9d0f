#!lua flags=allow-oom
-- Notes that a credential is used, unless that was noted within `period`. ARGV: credential id, period.
local key = 'inferq:credential:' .. ARGV[1]
local used = redis.call('HGET', key, 'used')
if used and (used == '' or now() - used >= tonumber(ARGV[2])) then redis.call('HSET', key, 'used', text(now())) end
return 0
