-- Claims on notices, so that several processes send each once. Times in ms since 1970, by the
-- store's clock. All keys of one call share their cluster's hash tag.
--
-- A *notice* is a hash: owner, until (its claim's end), tries, done (what became of it), and
-- to:ID for each recipient that was reached. A claim is a lease: when its owner is gone, whoever
-- comes next takes it on, and leaves out whom it has reached already.
-- ARGV 1 is what to do; the rest, and the keys, are said at each function.

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function is_claimed(notice)
  local till = redis.call('HGET', notice, 'until')
  return till and tonumber(till) > now()
end

local function finished(notice) return redis.call('HEXISTS', notice, 'done') == 1 end

local function is_owner(notice, owner)
  return redis.call('HGET', notice, 'owner') == owner and not finished(notice)
end

local function reached(notice)
  local found, fields = {}, redis.call('HKEYS', notice)
  for _, field in ipairs(fields) do
    if string.sub(field, 1, 3) == 'to:' then found[#found + 1] = string.sub(field, 4) end
  end
  return found
end

-- Reply: 'done', 'busy' (another owner has it), or how often it was tried, this time included.
local function take(notice, owner, lease, keep)
  if finished(notice) then return 'done' end
  if is_claimed(notice) then return 'busy' end
  redis.call('HSET', notice, 'owner', owner, 'until', now() + tonumber(lease))
  local tries = redis.call('HINCRBY', notice, 'tries', 1)
  redis.call('PEXPIRE', notice, keep)
  return tries
end

-- KEYS: notice. args: owner, ms of the lease, ms that the notice is kept.
-- Reply: as `take`, then the recipients that were reached before.
local function claim()
  return {take(KEYS[1], ARGV[2], ARGV[3], ARGV[4]), reached(KEYS[1])}
end

-- The notice that something asked for is over, for those who were told of the asking. Whoever has
-- not been told by now is not to be.
-- KEYS: notice, the notice before it. args as `claim`. Reply as `claim`, with whom that reached.
local function claim_end()
  local before = KEYS[2]
  if not finished(before) then
    if is_claimed(before) then return {'busy', {}} end
    redis.call('HSET', before, 'done', 'over')
    redis.call('PEXPIRE', before, ARGV[4])
  end
  return {take(KEYS[1], ARGV[2], ARGV[3], ARGV[4]), reached(before)}
end

-- KEYS: reminded (hash of a unit: figure, day, count, open), then a notice for each channel.
-- args: owner, ms of the lease, ms that all is kept, figure, day, most on one day.
-- Reply: one for each channel as `take`, or nothing at all when there were as many as may be.
local function claim_reminder()
  local reminded, figure, day, most = KEYS[1], ARGV[5], ARGV[6], tonumber(ARGV[7])
  local known = redis.call('HMGET', reminded, 'figure', 'day', 'count')
  if known[1] ~= figure then
    local count = known[2] == day and tonumber(known[3]) or 0
    if count >= most then return {} end
    redis.call('HSET', reminded,
      'figure', figure, 'day', day, 'count', count + 1, 'open', #KEYS - 1)
    redis.call('PEXPIRE', reminded, ARGV[4])
  end
  local taken = {}
  for i = 2, #KEYS do taken[#taken + 1] = take(KEYS[i], ARGV[2], ARGV[3], ARGV[4]) end
  return taken
end

-- KEYS: notice. args: owner, recipient.
local function reach()
  if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[2] then return 0 end
  return redis.call('HSET', KEYS[1], 'to:' .. ARGV[3], 1)
end

-- To be tried again, by whom it may be, after some time.
-- KEYS: notice. args: owner, ms to wait.
local function put_off()
  if not is_owner(KEYS[1], ARGV[2]) then return 0 end
  redis.call('HSET', KEYS[1], 'owner', '', 'until', now() + tonumber(ARGV[3]))
  return 1
end

-- KEYS: notice; and of a reminder: reminded, journal.
-- args: owner, what became of it; and of a reminder: figure, JSON object for the journal, its
-- greatest length.
local function finish()
  if not is_owner(KEYS[1], ARGV[2]) then return 0 end
  redis.call('HSET', KEYS[1], 'done', ARGV[3])
  if not KEYS[2] then return 1 end
  if redis.call('HGET', KEYS[2], 'figure') == ARGV[4] then
    redis.call('HINCRBY', KEYS[2], 'open', -1)
  end
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*',
    'k', 'reminder', 't', string.format('%.0f', now()), 'd', ARGV[5])
  return 1
end

local WHAT = {
  claim = claim, claim_end = claim_end, claim_reminder = claim_reminder,
  reach = reach, put_off = put_off, finish = finish,
}
return WHAT[ARGV[1]]()
