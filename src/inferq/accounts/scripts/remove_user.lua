#!lua flags=allow-oom
-- Removes a user with all credentials and what webhooks keep for the user. ARGV: user id. Returns 1, or 0 where there is no such user.
local id = ARGV[1]
local name = redis.call('HGET', 'inferq:user:' .. id, 'name')
if not name then return 0 end
drop(id, {session = true, access_token = true, api_key = true})
redis.call('DEL', 'inferq:user:' .. id, 'inferq:credentials:' .. id, 'inferq:webhook-secret:' .. id,
  'inferq:webhook-disabled:' .. id)
redis.call('HDEL', 'inferq:user-ids', name)
tell(id)
return 1
