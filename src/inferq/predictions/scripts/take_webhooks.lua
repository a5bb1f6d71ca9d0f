#!lua flags=allow-oom
-- Lends out deliveries that are due, a few of each lane; what is not reported on in time is due again. A lane whose
-- receiver has not answered well lately gets one at a time, and after failures a pause.
-- ARGV: most deliveries, how long they are lent, most of a lane, most of an owner, most of an owner to receivers that
-- have not answered well lately, and what the caller has on its way: an object of counts by lane, one by owner, and
-- one of those to receivers that have not answered well, by owner.
-- Returns one array a delivery: task id, owner, lane, URL, number of the attempt, '1' if its receiver has answered well
-- lately, how often that has failed since.
local room, loan, lane_most, owner_most, doubted_most =
  tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local of_lane, of_owner, doubted = cjson.decode(ARGV[6]), cjson.decode(ARGV[7]), cjson.decode(ARGV[8])
local SECOND = 1000000
local LOOKED_AT = 500
local ENDED_AT_ONCE = 100
local time = now()
local taken = {}

local function take(id, owner, lane, url, proven, failures)
  local attempt = redis.call('HINCRBY', 'inferq:webhook:' .. id, 'attempts', 1)
  redis.call('ZADD', 'inferq:webhooks:' .. lane, text(time + loan), id)
  taken[#taken + 1] = {id, owner, lane, url, attempt, proven, failures}
end

for _, lane in ipairs(redis.call('ZRANGEBYSCORE', 'inferq:webhooks', '-inf', text(time), 'LIMIT', 0, LOOKED_AT)) do
  if #taken >= room then break end
  local owner = string.match(lane, '^(.*) ')
  local health = 'inferq:receiver:' .. lane
  local proven, failures, not_before = unpack(redis.call('HMGET', health, 'proven', 'failures', 'not_before'))
  failures = tonumber(failures or 0)
  local free = math.min((proven and lane_most or 1) - (of_lane[lane] or 0), owner_most - (of_owner[owner] or 0),
    room - #taken)
  if not proven then free = math.min(free, doubted_most - (doubted[owner] or 0)) end
  if not_before and tonumber(not_before) > time then
    redis.call('ZADD', 'inferq:webhooks', not_before, lane)
  elseif free <= 0 then
    -- Behind the others; as soon as one of them is reported on, it is looked at again.
    redis.call('ZADD', 'inferq:webhooks', text(time + SECOND), lane)
  else
    local before = #taken
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'inferq:webhooks:' .. lane, '-inf', text(time), 'LIMIT', 0, free + ENDED_AT_ONCE)) do
      if #taken - before >= free then break end
      local url, gives_up = unpack(redis.call('HMGET', 'inferq:webhook:' .. id, 'url', 'gives_up'))
      if redis.call('ZSCORE', 'inferq:webhook-disabled:' .. owner, url) then
        end_delivery(id, lane, 'disabled', time)
      elseif failures > 0 and tonumber(gives_up) <= time then
        end_delivery(id, lane, 'given_up', time)
      else
        take(id, owner, lane, url, proven and '1' or '', failures)
      end
    end
    local count = #taken - before
    of_owner[owner] = (of_owner[owner] or 0) + count
    if not proven then doubted[owner] = (doubted[owner] or 0) + count end
    look_again(lane)
  end
end
return taken
