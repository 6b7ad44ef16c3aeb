-- The writes of outcomes, each one atomic step on the server. All keys are of one cluster.
--
-- KEYS:
--   1 outcomes  hash: outcome id -> JSON {at, until, by, logged, corrections}: times in ms since
--               1970; by and logged are JSON texts, kept as texts because decoding and encoding
--               would turn an empty list into an empty object; corrections is a list of
--               {id, at, by, before, after} of the same kind
--   2 ages      sorted set: outcome id by when it was logged
--   3 journal   stream: k kind, t store time in ms, d JSON
-- ARGV 1 is what to do; the rest is said at each function. instants.lua stands before this.

local OUTCOMES, AGES, JOURNAL = KEYS[1], KEYS[2], KEYS[3]
local function note(kind, now, keep, data)
  redis.call('XADD', JOURNAL, 'MAXLEN', '~', keep, '*',
    'k', kind, 't', string.format('%d', now), 'd', data)
end

local function prune(before)
  local old = redis.call('ZRANGEBYSCORE', AGES, '-inf', '(' .. before, 'LIMIT', 0, 200)
  for _, id in ipairs(old) do
    redis.call('HDEL', OUTCOMES, id)
    redis.call('ZREM', AGES, id)
  end
end

local function keep_it(id, record)
  local text = cjson.encode(record)
  redis.call('HSET', OUTCOMES, id, text)
  return text
end

-- args: id, by, value, ms it can be corrected, ms it is kept, journal length.
-- Reply: what stands, new or known before; a repeat gets what stands.
local function put()
  local id, by, value = ARGV[2], ARGV[3], ARGV[4]
  local window, kept, keep = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
  local known = redis.call('HGET', OUTCOMES, id)
  if known then return {'known', known} end
  local now = now_ms()
  prune(now - kept)
  redis.call('ZADD', AGES, now, id)
  local text = keep_it(id,
    {at = now, ['until'] = now + window, by = by, logged = value, corrections = {}})
  note('outcome', now, keep, string.format(
    '{"id":"%s","at":"%s","correctable_until":"%s","by":%s,"value":%s}',
    id, iso(now), iso(now + window), by, value))
  return {'new', text}
end

-- args: id, correction id, by, value, journal length.
-- Reply: unknown; late, and what stands; done, and what stands after it. A repeat of a correction,
-- or one that changes nothing, is done already.
local function correct()
  local id, correction, by, value, keep = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
  local known = redis.call('HGET', OUTCOMES, id)
  if not known then return {'unknown', ''} end
  local record = cjson.decode(known)
  local before = record.logged
  for _, each in ipairs(record.corrections) do
    if each.id == correction then return {'done', known} end
    before = each.after
  end
  local now = now_ms()
  if now > record['until'] then return {'late', known} end
  if before == value then return {'done', known} end
  record.corrections[#record.corrections + 1] =
    {id = correction, at = now, by = by, before = before, after = value}
  local text = keep_it(id, record)
  note('outcome_correction', now, keep, string.format(
    '{"id":"%s","correction":"%s","at":"%s","by":%s,"before":%s,"after":%s}',
    id, correction, iso(now), by, before, value))
  return {'done', text}
end

-- Put back what a lost store had, where nothing stands; the journal has it already.
-- args: per outcome: id, at, record. Reply: how many.
local function restore()
  local done = 0
  for i = 2, #ARGV, 3 do
    if redis.call('HSETNX', OUTCOMES, ARGV[i], ARGV[i + 2]) == 1 then
      redis.call('ZADD', AGES, ARGV[i + 1], ARGV[i])
      done = done + 1
    end
  end
  return done
end

if ARGV[1] == 'put' then return put() end
if ARGV[1] == 'correct' then return correct() end
return restore()
