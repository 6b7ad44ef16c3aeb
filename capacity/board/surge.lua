-- The surge level's writes, each one atomic step on the server. All keys share one hash tag.
--
-- KEYS, of one cluster:
--   1 surge     hash: version (counts changes of the state), state (JSON of capacity.surge),
--               override (JSON), until (ms; while there is an override), at (ms: when it was set)
--   2 journal   stream: k kind, t ms, d JSON object
--   3 request   string: present when this request has been carried out
-- ARGV 1 is what to do, ARGV 2 how many entries the journal keeps; the rest is said at each
-- function. Every call first ends an override whose time is over: by the server's clock, and since
-- it is then gone, once. Reply of every call: how it stands now (version, state, override, until,
-- at; each '' when there is none), the server's time in ms, and what became of the request.

local SURGE, JOURNAL, REQUEST = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function journal(kind, text)
  redis.call('XADD', JOURNAL, 'MAXLEN', '~', ARGV[2], '*', 'k', kind, 't', now, 'd', text)
end

-- Texts are put together, not decoded and encoded: a null or an empty list would not survive that.
local function close(override, how, by)
  redis.call('HDEL', SURGE, 'override', 'until', 'at')
  journal('surge_override', string.format('{"event":"%s","by":%s,"override":%s}', how, by, override))
end

local function standing(outcome)
  local found = redis.call('HMGET', SURGE, 'version', 'state', 'override', 'until', 'at')
  local reply = {}
  for i = 1, 5 do reply[i] = found[i] or '' end
  reply[6], reply[7] = string.format('%.0f', now), outcome
  return reply
end

local override, ends = unpack(redis.call('HMGET', SURGE, 'override', 'until'))
if override and tonumber(ends) <= now then
  close(override, 'expired', 'null')
  override = false
end

local function repeated()
  return redis.call('EXISTS', REQUEST) == 1
end

-- Another state, if the present one is still the one it was made from.
-- args: expected version ('' for none), state, journal entry ('' when the level stays).
local function put()
  if (redis.call('HGET', SURGE, 'version') or '') ~= ARGV[3] then return standing('meanwhile') end
  redis.call('HINCRBY', SURGE, 'version', 1)
  redis.call('HSET', SURGE, 'state', ARGV[4])
  if ARGV[5] ~= '' then journal('surge', ARGV[5]) end
  return standing('done')
end

-- An override, in place of one that stands. args: ms to remember, override, until (ms), by.
local function set()
  if repeated() then return standing('repeated') end
  if tonumber(ARGV[5]) <= now then return standing('past') end
  if override then close(override, 'replaced', ARGV[6]) end
  redis.call('HSET', SURGE, 'override', ARGV[4], 'until', ARGV[5], 'at', now)
  journal('surge_override',
    string.format('{"event":"set","by":%s,"override":%s}', ARGV[6], ARGV[4]))
  redis.call('SET', REQUEST, 1, 'PX', ARGV[3])
  return standing('done')
end

-- No override any more. args: ms to remember, by.
local function lift()
  if repeated() then return standing('repeated') end
  if override then close(override, 'lifted', ARGV[4]) end
  redis.call('SET', REQUEST, 1, 'PX', ARGV[3])
  return standing('done')
end

if ARGV[1] == 'put' then return put() end
if ARGV[1] == 'set' then return set() end
if ARGV[1] == 'lift' then return lift() end
return standing('looked')
