-- The board's writes, each one atomic step on the server.
--
-- KEYS of every function, all of one cluster (they share a hash tag):
--   1 meta      hash: epoch, seq, server (run id of the server that wrote last)
--   2 rows      hash: unit -> whole row, JSON
--   3 versions  hash: unit -> "observed_ms|digest|trust|stale_ms|seq" (an older program's lack the
--               two in the middle: no trust)
--   4 changes   stream: e epoch, n seq, u unit, r row (empty: the unit left the board)
--   5 late      stream: u unit, r row that was not shown, w why: older, trust
--   6 request   string: the answer given to this request, kept for a while
-- The file is loaded under names that carry a hash of its text, so that old and new versions of
-- the program can share one server during an upgrade.

local META, ROWS, VERSIONS, CHANGES, LATE, REQUEST = 1, 2, 3, 4, 5, 6

-- A server that was restarted, promoted or put in another's place may have lost the last changes
-- without knowing it. Its run id differs from the one noted, so a new epoch begins, and every
-- reader that holds a cursor of the old one takes a snapshot.
local function begin(keys, fresh_epoch)
  local known = redis.call('HMGET', keys[META], 'epoch', 'seq', 'server')
  local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local epoch, seq = known[1], tonumber(known[2] or '0')
  if not epoch or known[3] ~= server then
    epoch, seq = fresh_epoch, 0
    redis.call('HSET', keys[META], 'epoch', epoch, 'seq', 0, 'server', server)
  end
  return epoch, seq
end

local function put(keys, epoch, seq, keep, unit, mark, row)
  redis.call('HSET', keys[ROWS], unit, row)
  redis.call('HSET', keys[VERSIONS], unit, mark .. '|' .. seq)
  redis.call('XADD', keys[CHANGES], 'MAXLEN', '~', keep, '*',
    'e', epoch, 'n', seq, 'u', unit, 'r', row)
end

local function answered(keys)
  local before = redis.call('GET', keys[REQUEST])
  if before then return cjson.decode(before) end
end

local function answer(keys, remember_ms, reply)
  redis.call('SET', keys[REQUEST], cjson.encode(reply), 'PX', remember_ms)
  return reply
end

-- Where two sources report one unit, the figures of the more trusted one stand until they are
-- stale, by the time at which the other's report was received.
local function outranked(version, trust, received)
  local standing, stale_at = string.match(version, '|(%d+)|(%-?%d+)|%d+$')
  return standing and tonumber(standing) > tonumber(trust)
    and tonumber(received) < tonumber(stale_at)
end

-- args: fresh epoch, stream length, remember ms, then per report: unit, observed_ms, digest, row,
-- trust, received_ms, stale_ms.
-- Reply: epoch, seq, and one letter per report: a applied, d duplicate, s superseded.
local function apply(keys, args)
  local before = answered(keys)
  if before then return before end
  local epoch, seq = begin(keys, args[1])
  local keep, outcomes = args[2], {}
  for i = 4, #args, 7 do
    local unit, observed, digest, row = args[i], args[i + 1], args[i + 2], args[i + 3]
    local trust, received, stale = args[i + 4], args[i + 5], args[i + 6]
    local version = redis.call('HGET', keys[VERSIONS], unit)
    local known_at, known_digest = nil, nil
    if version then known_at, known_digest = string.match(version, '^(%-?%d+)|([^|]*)|') end
    local newer = not known_at or tonumber(observed) > tonumber(known_at)
    local held_back = newer and version and outranked(version, trust, received)
    if newer and not held_back then
      seq = seq + 1
      local mark = table.concat({observed, digest, trust, stale}, '|')
      put(keys, epoch, seq, keep, unit, mark, row)
      outcomes[#outcomes + 1] = 'a'
    elseif observed == known_at and digest == known_digest then
      outcomes[#outcomes + 1] = 'd'
    else
      redis.call('XADD', keys[LATE], 'MAXLEN', '~', keep, '*',
        'u', unit, 'r', row, 'w', held_back and 'trust' or 'older')
      outcomes[#outcomes + 1] = 's'
    end
  end
  redis.call('HSET', keys[META], 'seq', seq)
  return answer(keys, args[3], {epoch, seq, table.concat(outcomes)})
end

-- Replace rows without a new reading (the catalogue changed, a closure ran out), each only if the
-- unit still has the version that the new row was made from.
-- args: fresh epoch, stream length, remember ms, then per unit: unit, expected version ('' for
-- none), row. Reply: epoch, seq, one letter per unit: a applied, c changed meanwhile.
local function replace(keys, args)
  local before = answered(keys)
  if before then return before end
  local epoch, seq = begin(keys, args[1])
  local outcomes = {}
  for i = 4, #args, 3 do
    local unit, expected, row = args[i], args[i + 1], args[i + 2]
    local version = redis.call('HGET', keys[VERSIONS], unit) or ''
    if version == expected then
      seq = seq + 1
      put(keys, epoch, seq, args[2], unit, string.match(version, '^(.*)|%d+$') or '-1|', row)
      outcomes[#outcomes + 1] = 'a'
    else
      outcomes[#outcomes + 1] = 'c'
    end
  end
  redis.call('HSET', keys[META], 'seq', seq)
  return answer(keys, args[3], {epoch, seq, table.concat(outcomes)})
end

-- Count movements: rows that follow from them, the messages that told of them, and the status of
-- single beds; all of it or, if anything is no longer as it was when the rows were made, nothing.
-- KEYS beyond those of every function: 7 moved, sorted set of message -> when it was counted;
-- 8 beds, hash of "unit|bed" -> "use|observed_ms".
-- args: fresh epoch, stream length, remember ms, ms that messages are remembered, number of rows,
-- number of beds, then per row: unit, expected version, mark (the version without seq), row; then
-- per bed: field, expected value, value; then messages that must not have been counted before.
-- Reply: epoch, seq, a applied or c changed meanwhile.
local MOVED, BEDS = 7, 8

local function is_as_expected(keys, args, beds_at, messages_at)
  for i = 7, beds_at - 1, 4 do
    if (redis.call('HGET', keys[VERSIONS], args[i]) or '') ~= args[i + 1] then return false end
  end
  for i = beds_at, messages_at - 1, 3 do
    if (redis.call('HGET', keys[BEDS], args[i]) or '') ~= args[i + 1] then return false end
  end
  for i = messages_at, #args do
    if redis.call('ZSCORE', keys[MOVED], args[i]) then return false end
  end
  return true
end

local function move(keys, args)
  local before = answered(keys)
  if before then return before end
  local epoch, seq = begin(keys, args[1])
  local beds_at = 7 + 4 * tonumber(args[5])
  local messages_at = beds_at + 3 * tonumber(args[6])
  if not is_as_expected(keys, args, beds_at, messages_at) then
    return answer(keys, args[3], {epoch, seq, 'c'})
  end
  for i = 7, beds_at - 1, 4 do
    seq = seq + 1
    put(keys, epoch, seq, args[2], args[i], args[i + 2], args[i + 3])
  end
  for i = beds_at, messages_at - 1, 3 do
    redis.call('HSET', keys[BEDS], args[i], args[i + 2])
  end
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  redis.call('ZREMRANGEBYSCORE', keys[MOVED], '-inf', now - tonumber(args[4]))
  for i = messages_at, #args do redis.call('ZADD', keys[MOVED], now, args[i]) end
  redis.call('HSET', keys[META], 'seq', seq)
  return answer(keys, args[3], {epoch, seq, 'a'})
end

-- Units that left the catalogue leave the board. A row cannot say that a unit is gone, so a new
-- epoch begins and every reader takes a snapshot. args: fresh epoch, stream length, remember ms,
-- units. Reply: epoch, seq, ''.
local function remove(keys, args)
  local before = answered(keys)
  if before then return before end
  local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local epoch, seq = args[1], 0
  for i = 4, #args do
    redis.call('HDEL', keys[ROWS], args[i])
    redis.call('HDEL', keys[VERSIONS], args[i])
    seq = seq + 1
    redis.call('XADD', keys[CHANGES], 'MAXLEN', '~', args[2], '*',
      'e', epoch, 'n', seq, 'u', args[i], 'r', '')
  end
  redis.call('HSET', keys[META], 'epoch', epoch, 'seq', seq, 'server', server)
  return answer(keys, args[3], {epoch, seq, ''})
end

redis.register_function('apply_@HASH@', apply)
redis.register_function('replace_@HASH@', replace)
redis.register_function('remove_@HASH@', remove)
redis.register_function('move_@HASH@', move)
