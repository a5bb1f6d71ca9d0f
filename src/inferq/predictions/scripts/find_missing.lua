#!lua flags=allow-oom
-- Puts predictions whose message must be lost into the outbox again: those that later-published ones of their
-- queue have overtaken, for longer than from one look to the next; and at the head of the queue, as many as
-- its workers have had slots free while they waited. Where no worker is left that could tell, one message a
-- minute is enough for an autoscaler to see the queue.
-- Each waits twice as long for its next message as for the one before, 1 to 60 seconds.
-- ARGV: model, lane, most entries.
-- Returns how many were found.
local model, lane, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local queue = 'inferq:queued:' .. lane
local SECOND = 1000000
local LONGEST_PAUSE = 60
local time = now()
local found = 0

-- When its last message was published, if that is long enough ago for another one; and that message's number.
local function long_published(id)
  if redis.call('ZSCORE', 'inferq:outbox', id) then return end
  local published, publishes, before =
    unpack(redis.call('HMGET', 'inferq:prediction:' .. id, 'published', 'publishes', 'publishes_before'))
  local pause = math.min(LONGEST_PAUSE, 2 ^ (publishes - before - 1)) * SECOND
  if time - published >= pause then return tonumber(published), publishes end
end

local function publish_again(id)
  redis.call('ZADD', 'inferq:outbox', text(time + found), id)
  found = found + 1
end

local newest = redis.call('HGET', 'inferq:arrived', lane)
if newest then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', queue, '-inf', '(' .. newest, 'LIMIT', 0, most)) do
    local published, publish = long_published(id)
    local key = 'inferq:prediction:' .. id
    if published and redis.call('HGET', key, 'overtaken') == publish then
      publish_again(id)
    elseif published then
      redis.call('HSET', key, 'overtaken', publish)
    end
  end
end

local reports = {}
local slots = 0
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', 'inferq:serving:' .. model, text(time), '+inf')) do
  local free, reported = unpack(redis.call('HMGET', 'inferq:worker:' .. worker, 'free', 'reported'))
  if free then
    reports[#reports + 1] = {free = tonumber(free), reported = tonumber(reported)}
    slots = slots + free
  end
end
if #reports == 0 then
  local last = redis.call('ZRANGE', queue, -1, -1)[1]
  local published = last and redis.call('HGET', 'inferq:prediction:' .. last, 'published')
  if published and time - published >= LONGEST_PAUSE * SECOND then
    reports[1] = {free = 1, reported = time}
    slots = 1
  end
end

-- Where no slot was free there is nothing to look at; ZRANGE would take the end, -1, for that of the whole queue.
local head = slots > 0 and redis.call('ZRANGE', queue, 0, math.min(slots, most) - 1) or {}
for rank, id in ipairs(head) do
  local published = long_published(id)
  if published then
    local free = 0
    for _, report in ipairs(reports) do
      if report.reported >= published + SECOND / 2 then free = free + report.free end
    end
    if rank <= free then publish_again(id) end
  end
end
return found
