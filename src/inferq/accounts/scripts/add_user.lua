#!lua
-- Makes a user, unless the name is taken, or `first` is '1' and there are users already.
-- ARGV: user id, name, role, password hash ('' for none), demo ('1' or ''), first ('1' or '').
-- Returns the user's fields, or nothing.
local id, name, role, password, demo, first = unpack(ARGV)
if first == '1' and redis.call('HLEN', 'inferq:user-ids') > 0 then return {} end
if redis.call('HSETNX', 'inferq:user-ids', name, id) == 0 then return {} end
local key = 'inferq:user:' .. id
redis.call('HSET', key, 'id', id, 'name', name, 'role', role, 'password', password, 'demo', demo, 'disabled', '',
  'created', text(now()))
return redis.call('HGETALL', key)
