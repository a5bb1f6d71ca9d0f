#!lua flags=allow-oom
-- Ends a credential of a user. ARGV: user id, credential id. Returns 1, or 0 where the user has no such credential.
local user, id = ARGV[1], ARGV[2]
if redis.call('ZREM', 'inferq:credentials:' .. user, id) == 0 then return 0 end
local found = redis.call('DEL', 'inferq:credential:' .. id)
tell(user)
return found
