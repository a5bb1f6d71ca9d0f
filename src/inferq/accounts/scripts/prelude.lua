-- What the scripts of this folder share; it is put in front of each of them.
-- Times and durations are microseconds of the store's own clock.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function text(number) return string.format('%.0f', number) end

-- Every API process follows this stream: from here on nobody trusts what it remembers of the user's credentials.
local function tell(user)
  redis.call('XADD', 'inferq:revocations', 'MAXLEN', '~', 1000, '*', 'user', user)
end

-- Deletes the credentials of a user whose kind is in `kinds` (a set), and returns how many there were.
local function drop(user, kinds)
  local index, dropped = 'inferq:credentials:' .. user, 0
  for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local kind = redis.call('HGET', 'inferq:credential:' .. id, 'kind')
    if kind and kinds[kind] then
      redis.call('DEL', 'inferq:credential:' .. id)
      dropped = dropped + 1
    end
    if not kind or kinds[kind] then redis.call('ZREM', index, id) end
  end
  return dropped
end
