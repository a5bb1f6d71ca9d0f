#!lua
-- Gives an owner a signing secret, or another one beside which the old one stays valid for a while.
-- ARGV: owner, the new secret, '1' if it takes the place of one that there is, how long that one stays valid.
-- Returns the secret, the one before it and until when that is valid ('' for none).
local owner, secret, rotate, overlap = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = 'inferq:webhook-secret:' .. owner
local time = now()
local current = redis.call('HGET', key, 'current')

if not current then
  redis.call('HSET', key, 'current', secret)
elseif rotate == '1' and current ~= secret then
  redis.call('HSET', key, 'current', secret, 'previous', current, 'valid_until', text(time + overlap))
end
local found = redis.call('HMGET', key, 'current', 'previous', 'valid_until')
if found[3] and tonumber(found[3]) <= time then
  redis.call('HDEL', key, 'previous', 'valid_until')
  found = {found[1], '', ''}
end
return {found[1], found[2] or '', found[3] or ''}
