-- The push subscriptions of one unit, each change one atomic step. Times in ms since 1970.
-- KEYS: 1 subscriptions, hash: id -> JSON; 2 used, hash: id -> when a push last reached it, or,
-- before any did, when it was made. Both are of one unit, and share its cluster's hash tag.
-- ARGV 1 is what to do; the rest is said at each function.
local SUBSCRIPTIONS, USED = KEYS[1], KEYS[2]

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function forget(id)
  redis.call('HDEL', USED, id)
  return redis.call('HDEL', SUBSCRIPTIONS, id)
end

-- args: id, JSON, most, ms after which one that was not reached is dropped. The same id again
-- replaces what is known of it. Reply: 1, or 0 when there are as many as may be.
local function add()
  local id, most, unused = ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
  local at = now()
  local used = redis.call('HGETALL', USED)
  for i = 1, #used, 2 do
    if tonumber(used[i + 1]) < at - unused then forget(used[i]) end
  end
  local known = redis.call('HEXISTS', SUBSCRIPTIONS, id) == 1
  if not known and redis.call('HLEN', SUBSCRIPTIONS) >= most then return 0 end
  redis.call('HSET', SUBSCRIPTIONS, id, ARGV[3])
  redis.call('HSETNX', USED, id, at)
  return 1
end

-- args: id. A push reached it; not noted of one that was forgotten meanwhile.
local function reached()
  if redis.call('HEXISTS', SUBSCRIPTIONS, ARGV[2]) == 0 then return 0 end
  redis.call('HSET', USED, ARGV[2], now())
  return 1
end

if ARGV[1] == 'add' then return add() end
if ARGV[1] == 'reached' then return reached() end
return forget(ARGV[2]) -- args: id
