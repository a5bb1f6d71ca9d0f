#!lua flags=no-writes
-- A credential, its user and the time. ARGV: credential id. Returns three lists, or nothing where one of them is gone,
-- or the user is disabled.
local credential = redis.call('HGETALL', 'inferq:credential:' .. ARGV[1])
if #credential == 0 then return {} end
local user = redis.call('HGET', 'inferq:credential:' .. ARGV[1], 'user')
local fields = redis.call('HGETALL', 'inferq:user:' .. user)
if #fields == 0 or redis.call('HGET', 'inferq:user:' .. user, 'disabled') ~= '' then return {} end
return {credential, fields, text(now())}
