-- The quarantine's writes, each one atomic step on the server. All keys share one hash tag.
--
-- KEYS, the first three of one source:
--   1 entries   hash: entry id -> JSON (source where field reason document kept at last_seen
--               count state, and by closed_at once it is closed); times in ms since 1970
--   2 open      sorted set: entry id by last_seen
--   3 closed    sorted set: entry id by closed_at
--   4 documents hash: document id -> compressed raw text
--   5 ages      sorted set: document id by when it was kept
--   6 uses      hash: document id -> open entries that came from it
--   7 totals    hash: bytes (of all raw texts); dropped:SOURCE, let_go:SOURCE
-- ARGV 1 is what to do; the rest is said at each function.

local ENTRIES, OPEN, CLOSED = KEYS[1], KEYS[2], KEYS[3]
local DOCUMENTS, AGES, USES, TOTALS = KEYS[4], KEYS[5], KEYS[6], KEYS[7]

-- The raw text goes; true if there was one.
local function forget(document)
  local size = redis.call('HSTRLEN', DOCUMENTS, document)
  if size == 0 then return false end
  redis.call('HDEL', DOCUMENTS, document)
  redis.call('ZREM', AGES, document)
  redis.call('HINCRBY', TOTALS, 'bytes', -size)
  return true
end

-- One open entry less needs the raw text of its document.
local function release(document)
  if redis.call('HINCRBY', USES, document, -1) <= 0 then
    redis.call('HDEL', USES, document)
    forget(document)
  end
end

local function open(id, entry, now)
  redis.call('ZREM', CLOSED, id)
  redis.call('ZADD', OPEN, now, id)
  redis.call('HINCRBY', USES, entry.document, 1)
end

-- What came again: counted, and open again unless a person has dismissed it.
local function again(id, entry, now)
  entry.count = entry.count + 1
  entry.last_seen = tonumber(now)
  if entry.state == 'open' then
    redis.call('ZADD', OPEN, now, id)
  elseif entry.state == 'replayed' then
    entry.state, entry.by, entry.closed_at = 'open', nil, nil
    open(id, entry, now)
  end
  redis.call('HSET', ENTRIES, id, cjson.encode(entry))
end

local function drop_one()
  local id = redis.call('ZPOPMIN', CLOSED)[1]
  local was_open = not id
  if was_open then id = redis.call('ZPOPMIN', OPEN)[1] end
  local entry = cjson.decode(redis.call('HGET', ENTRIES, id))
  redis.call('HDEL', ENTRIES, id)
  if was_open then release(entry.document) end
  return was_open
end

-- args: now, source, most entries, most bytes, rejects left out, document, raw text (may be
-- empty), then per entry: id, JSON. Reply: open entries dropped, raw texts let go.
local function put()
  local now, source, most, most_bytes = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
  local dropped, let_go = tonumber(ARGV[6]), 0
  local document, raw = ARGV[7], ARGV[8]
  for i = 9, #ARGV, 2 do
    local id, text = ARGV[i], ARGV[i + 1]
    local known = redis.call('HGET', ENTRIES, id)
    if known then
      again(id, cjson.decode(known), now)
    else
      redis.call('HSET', ENTRIES, id, text)
      open(id, cjson.decode(text), now)
    end
  end
  if raw ~= '' and redis.call('HEXISTS', USES, document) == 1 then
    if redis.call('HSETNX', DOCUMENTS, document, raw) == 1 then
      redis.call('HINCRBY', TOTALS, 'bytes', #raw)
    end
    redis.call('ZADD', AGES, now, document)
  end
  for _ = 1, redis.call('ZCARD', OPEN) + redis.call('ZCARD', CLOSED) - most do
    if drop_one() then dropped = dropped + 1 end
  end
  while tonumber(redis.call('HGET', TOTALS, 'bytes') or '0') > most_bytes do
    local oldest = redis.call('ZRANGE', AGES, 0, 0)[1]
    forget(oldest)
    redis.call('HINCRBY', TOTALS, 'let_go:' .. string.match(oldest, '^(.*)%.'), 1)
    let_go = let_go + 1
  end
  if dropped > 0 then redis.call('HINCRBY', TOTALS, 'dropped:' .. source, dropped) end
  return {dropped, let_go}
end

-- args: now, state, by, entry ids. Reply: the ids that were open, and are closed now.
local function close()
  local done = {}
  for i = 5, #ARGV do
    local id = ARGV[i]
    if redis.call('ZREM', OPEN, id) == 1 then
      local entry = cjson.decode(redis.call('HGET', ENTRIES, id))
      entry.state, entry.by, entry.closed_at = ARGV[3], ARGV[4], tonumber(ARGV[2])
      redis.call('HSET', ENTRIES, id, cjson.encode(entry))
      redis.call('ZADD', CLOSED, ARGV[2], id)
      release(entry.document)
      done[#done + 1] = id
    end
  end
  return done
end

if ARGV[1] == 'put' then return put() end
if ARGV[1] == 'close' then return close() end
return forget(ARGV[2]) -- args: document
