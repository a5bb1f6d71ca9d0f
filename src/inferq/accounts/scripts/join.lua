#!lua
-- The user whom another issuer vouches for, made on first sight. ARGV: user id, name, role.
-- Returns the user's fields, or nothing where the name is another's.
local id, name, role = unpack(ARGV)
local key = 'inferq:user:' .. id
if redis.call('EXISTS', key) == 0 then
  if redis.call('HSETNX', 'inferq:user-ids', name, id) == 0 then return {} end
  redis.call('HSET', key, 'id', id, 'name', name, 'role', role, 'password', '', 'demo', '', 'disabled', '',
    'created', text(now()))
end
return redis.call('HGETALL', key)
