#!lua flags=allow-oom
-- Removes a user with all credentials. ARGV: user id. Returns 1, or 0 where there is no such user.
local id = ARGV[1]
local name = redis.call('HGET', 'inferq:user:' .. id, 'name')
if not name then return 0 end
drop(id, {session = true, access_token = true, api_key = true})
redis.call('DEL', 'inferq:user:' .. id, 'inferq:credentials:' .. id)
redis.call('HDEL', 'inferq:user-ids', name)
tell(id)
return 1
