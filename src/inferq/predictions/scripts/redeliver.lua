#!lua
-- Has a delivery sent again, at once and from now on for a day, whatever came of it before.
-- ARGV: task id.
-- Returns 'pending', 'disabled' (its receiver wants no more) or 'gone'.
local id = ARGV[1]
local key = 'inferq:webhook:' .. id
local lane, owner, url = unpack(redis.call('HMGET', key, 'lane', 'owner', 'url'))

if not lane then return 'gone' end
if redis.call('ZSCORE', 'inferq:webhook-disabled:' .. owner, url) then return 'disabled' end
local time = now()
redis.call('HSET', key, 'state', 'pending', 'gives_up', text(time + GIVE_UP))
redis.call('HDEL', key, 'ended')
redis.call('HDEL', 'inferq:receiver:' .. lane, 'not_before')
enter_lane(id, lane, time)
return 'pending'
