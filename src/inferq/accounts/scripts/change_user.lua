#!lua flags=allow-oom
-- Sets fields of a user and ends what was signed in with the old ones; API keys stay.
-- ARGV: user id, then fields and values. Returns 1, or 0 where there is no such user.
local id = ARGV[1]
local key = 'inferq:user:' .. id
if redis.call('EXISTS', key) == 0 then return 0 end
redis.call('HSET', key, unpack(ARGV, 2))
drop(id, {session = true, access_token = true})
tell(id)
return 1
