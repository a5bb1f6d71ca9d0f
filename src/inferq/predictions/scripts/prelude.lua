-- What the scripts of this folder share; it is put in front of each of them.
-- Times and durations are microseconds of the store's own clock.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function text(number) return string.format('%.0f', number) end

local function next_in_sequence() return redis.call('INCR', 'inferq:sequence') end

local function count(key, field, step)
  if redis.call('HINCRBY', key, field, step) == 0 then redis.call('HDEL', key, field) end
end

-- The one way from state to state (nil before a record is made, and after it is deleted): counts what runs of each
-- model and what stands where in each batch, and tells everyone who follows the stream.
local function pass(id, from, to, of)
  if from == 'running' then count('inferq:running', of.model, -1) end
  if to == 'running' then count('inferq:running', of.model, 1) end
  if of.batch then
    local tally = 'inferq:tally:' .. of.owner .. ':' .. of.batch
    if from then count(tally, from, -1) end
    if to then count(tally, to, 1) end
  end
  redis.call('XADD', 'inferq:events', 'MAXLEN', '~', 100000, '*', 'id', id, 'state', to or 'deleted',
    'revision', of.revision, 'owner', of.owner, 'batch', of.batch or '')
end

local function become(id, state, fields)
  local key = 'inferq:prediction:' .. id
  local from, owner, model, batch = unpack(redis.call('HMGET', key, 'state', 'owner', 'model', 'batch'))
  redis.call('HSET', key, 'state', state, unpack(fields))
  local revision = redis.call('HINCRBY', key, 'revision', 1)
  pass(id, from, state, {owner = owner, model = model, batch = batch, revision = revision})
end

-- Out of everything that a queued prediction stands in.
local function leave_queue(id, lane)
  redis.call('ZREM', 'inferq:queued:' .. lane, id)
  redis.call('ZREM', 'inferq:outbox', id)
  redis.call('ZREM', 'inferq:deadlines', id)
end

-- Into a lane of the queue: a place at its end, a message due at `due`, a deadline. Each model has two lanes: one
-- for what was never started, named as the model is, and one for what was put back, which need not wait behind it.
local function enter_queue(id, lane, due, deadline)
  redis.call('HSET', 'inferq:prediction:' .. id, 'lane', lane)
  redis.call('ZADD', 'inferq:queued:' .. lane, next_in_sequence(), id)
  redis.call('ZADD', 'inferq:outbox', text(due), id)
  redis.call('ZADD', 'inferq:deadlines', text(deadline), id)
end

-- A running record is queued again, with `attempts` counted; it is not started before `due`.
local function back_to_queue(id, attempts, due, time)
  local key = 'inferq:prediction:' .. id
  local model, timeout, waited, start_by, publishes =
    unpack(redis.call('HMGET', key, 'model', 'queue_timeout', 'waited', 'start_by', 'publishes'))
  local deadline = time + timeout - waited
  if attempts == 0 and start_by then deadline = math.min(deadline, start_by) end
  redis.call('ZREM', 'inferq:leases', id)
  enter_queue(id, model .. '+again', due, deadline)
  become(id, 'queued', {'attempts', attempts, 'queued', text(time), 'not_before', text(due), 'publishes_before', publishes})
end

-- Deliveries of ends to the receivers that were named for them wait in lanes, one an owner and receiver (scheme, host and
-- port), so that none waits behind one that hangs. `inferq:webhooks` holds when each lane is to be looked at again.
local GIVE_UP = 24 * 3600 * 1000000

local function enter_lane(id, lane, due)
  redis.call('ZADD', 'inferq:webhooks:' .. lane, text(due), id)
  redis.call('ZADD', 'inferq:webhooks', 'LT', text(due), lane)
end

local function leave_lane(id, lane)
  redis.call('ZREM', 'inferq:webhooks:' .. lane, id)
  if redis.call('EXISTS', 'inferq:webhooks:' .. lane) == 0 then redis.call('ZREM', 'inferq:webhooks', lane) end
end

-- A lane is looked at again when its next delivery is due, but not while its receiver is given a rest.
local function look_again(lane)
  local next = redis.call('ZRANGE', 'inferq:webhooks:' .. lane, 0, 0, 'WITHSCORES')[2]
  if not next then redis.call('ZREM', 'inferq:webhooks', lane) return end
  local rest_ends = tonumber(redis.call('HGET', 'inferq:receiver:' .. lane, 'not_before') or 0)
  redis.call('ZADD', 'inferq:webhooks', text(math.max(tonumber(next), rest_ends)), lane)
end

-- A delivery is pending no more.
local function end_delivery(id, lane, state, time)
  redis.call('HSET', 'inferq:webhook:' .. id, 'state', state, 'ended', text(time))
  leave_lane(id, lane)
end

-- The end of a prediction is to be told, from now on for a day.
local function tell_end(id, state, owner, url, time)
  local lane = owner .. ' ' .. string.match(url, '^%a+://[^/?]+')
  redis.call('HSET', 'inferq:webhook:' .. id, 'owner', owner, 'url', url, 'lane', lane, 'event', state,
    'state', 'pending', 'created', text(time), 'gives_up', text(time + GIVE_UP), 'attempts', 0)
  redis.call('ZADD', 'inferq:deliveries:' .. owner, text(time), id)
  enter_lane(id, lane, time)
end

-- The one way into a terminal state; `fields` are names and values in turn, `copy` is what Celery's clients are to find.
local function settle(id, state, retention, copy, fields)
  local time = now()
  local meta = 'celery-task-meta-' .. id
  redis.call('SET', meta, copy, 'PX', text(math.max(1, math.ceil(retention / 1000))))
  redis.call('PUBLISH', meta, copy)
  local lane, owner, created, callback =
    unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'lane', 'owner', 'created', 'callback_url'))
  local expires = text(time + retention)
  leave_queue(id, lane)
  redis.call('ZREM', 'inferq:leases', id)
  redis.call('ZREM', 'inferq:unfinished:' .. owner, id)
  redis.call('ZADD', 'inferq:ended:' .. owner .. ':' .. state, created, id)
  redis.call('ZADD', 'inferq:expiry', expires, id)
  if callback then tell_end(id, state, owner, callback, time) end
  become(id, state, {'finished', text(time), 'expires', expires, unpack(fields)})
end

-- Workers that serve a model at this moment, predictions that they run at once, workers that have it and were told to
-- take nothing new, and how fast its queue was worked off lately ('' where nothing was measured yet). One look a model, however many predictions are asked about.
local looked = {}
local function serving(model)
  if looked[model] then return unpack(looked[model]) end
  local workers, slots, from = 0, 0, '(' .. text(now())
  local drained = redis.call('ZCOUNT', 'inferq:drained:' .. model, from, '+inf')
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', 'inferq:serving:' .. model, from, '+inf')) do
    workers, slots = workers + 1, slots + (redis.call('HGET', 'inferq:worker:' .. worker, 'slots') or 0)
  end
  local service, interval = unpack(redis.call('HMGET', 'inferq:drain:' .. model, 'service', 'interval'))
  looked[model] = {workers, slots, drained, service or '', interval or ''}
  return unpack(looked[model])
end

-- Where a queued prediction stands: how many of its model start before it, and what `serving` tells of the model.
local function standing(id, lane, model)
  local ahead = redis.call('ZRANK', 'inferq:queued:' .. lane, id) or 0
  if lane == model then ahead = ahead + redis.call('ZCARD', 'inferq:queued:' .. model .. '+again') end
  return {ahead, serving(model)}
end

-- The arguments from number `first` on.
local function rest(first)
  local found = {}
  for i = first, #ARGV do found[#found + 1] = ARGV[i] end
  return found
end
