-- Who runs a cluster's feeds, and the guard that keeps everybody else's writes out.
--
-- The lease is one hash among the cluster's keys, so that the guard reads it in the same atomic
-- step as the write: fence (a number that grows each time another process takes the lease), holder
-- (the process), name (for people), since (when this holder took it), until. Times are the
-- server's, in ms; no other clock has a say.

local function who(lease) return lease.ends > now_ms() and lease.name or '' end

local function lease_of(key)
  local found = redis.call('HMGET', key, 'fence', 'holder', 'until', 'name', 'since')
  return {
    fence = tonumber(found[1] or '0'), holder = found[2] or '', ends = tonumber(found[3] or '0'),
    name = found[4] or '', since = tonumber(found[5] or '0'),
  }
end

local function take_or_renew(key, args)
  local length, now = tonumber(args[3]), now_ms()
  local lease, vacant = lease_of(key), 0
  if lease.holder ~= args[1] then
    -- A server whose clock was put back must not wait until it has caught up.
    if lease.ends > now + length then
      lease.ends = now + length
      redis.call('HSET', key, 'until', whole(lease.ends))
    end
    if lease.ends > now then return {0, 0, lease.name} end
    vacant = lease.ends > 0 and math.max(1, now - lease.ends) or -1
    lease.fence = lease.fence + 1
    redis.call('HSET', key, 'fence', whole(lease.fence), 'holder', args[1], 'name', args[2],
      'since', whole(now))
  end
  redis.call('HSET', key, 'until', whole(now + length))
  return {lease.fence, vacant, args[2]}
end

-- Take leases, or go on holding them, each for itself. One that ran out and that nobody took
-- meanwhile is simply held again, under the same fence: nothing can have happened in between.
-- KEYS: leases. args: holder, name, ms. Reply, for each lease: fence if it is the caller's, else 0;
-- for how many ms nobody had held it when it was taken (-1: never anybody; 0: not taken by this
-- call); its holder's name.
local function lease_hold(keys, args)
  local replies = {}
  for at, key in ipairs(keys) do replies[at] = take_or_renew(key, args) end
  return replies
end

-- Give the lease up, so that the next one need not wait. The fence stays, or it could not grow.
local function lease_release(keys, args)
  if redis.call('HGET', keys[1], 'holder') ~= args[1] then return 0 end
  redis.call('HSET', keys[1], 'holder', '', 'until', whole(now_ms()))
  return 1
end

-- Reply: fence, name ('' when nobody holds it), since, ms left.
local function lease_look(keys)
  local lease = lease_of(keys[1])
  local left = math.max(0, lease.ends - now_ms())
  return {lease.fence, who(lease), lease.since, left}
end

-- Whether a holder's lease lasts, under this very fence.
local function is_held(key, holder, fence)
  local lease = lease_of(key)
  return lease.holder == holder and lease.fence == tonumber(fence) and lease.ends > now_ms()
end

local FENCED = 'fenced'

-- The same function for a holder of the lease: the last key is the lease, the last two arguments
-- holder and fence. Whoever no longer holds it changes nothing. Reply then: 'fenced', who holds it.
local function fenced(write)
  return function(keys, args)
    local fence, holder, key = table.remove(args), table.remove(args), table.remove(keys)
    if not is_held(key, holder, fence) then return {FENCED, who(lease_of(key))} end
    return write(keys, args)
  end
end

local function lease_check() return {'held'} end

redis.register_function('lease_hold_@HASH@', lease_hold)
redis.register_function('lease_release_@HASH@', lease_release)
redis.register_function('lease_look_@HASH@', lease_look)
redis.register_function('lease_check_@HASH@', fenced(lease_check))
