#!lua flags=allow-oom
-- Makes a credential of a user who may have one.
-- ARGV: credential id, user id, digest, kind, scopes, label, lifetime ('' for ever).
-- Returns the credential's fields, or nothing where the user is gone or disabled.
local id, user, digest, kind, scopes, label, lifetime = unpack(ARGV)
local disabled = redis.call('HGET', 'inferq:user:' .. user, 'disabled')
if disabled ~= '' then return {} end
local time, key, index = now(), 'inferq:credential:' .. id, 'inferq:credentials:' .. user
local expires = lifetime ~= '' and text(time + lifetime) or ''
-- Those that have expired leave the index here.
for _, other in ipairs(redis.call('ZRANGE', index, 0, -1)) do
  if redis.call('EXISTS', 'inferq:credential:' .. other) == 0 then redis.call('ZREM', index, other) end
end
redis.call('HSET', key, 'id', id, 'digest', digest, 'kind', kind, 'user', user, 'scopes', scopes, 'label', label,
  'created', text(time), 'expires', expires, 'used', '')
if lifetime ~= '' then redis.call('PEXPIRE', key, math.ceil(lifetime / 1000)) end
redis.call('ZADD', index, text(time), id)
return redis.call('HGETALL', key)
