-- The board's writes, each one atomic step on the server. Keys: see kept.lua.
--
-- The library is instants.lua, kept.lua, lease.lua, disputes.lua, holds.lua and this file, one
-- after the other. It is loaded under names that carry a hash of its text, so that old and new
-- versions of the program can share one server during an upgrade.

-- Where two sources report one unit, the figures of the more trusted one stand until they are
-- stale, by the time at which the other's report was received.
local function outranked(version, trust, received)
  local standing, stale_at = string.match(version, '|(%d+)|(%-?%d+)|%d+$')
  return standing and tonumber(standing) > trust and received < tonumber(stale_at)
end

-- Trust is between feeds: a nurse and a feed that disagree are both shown.
local function same_channel(record, channel)
  return channel == (record and record.on or 'feed')
end

-- What is kept of a unit after a reading: the record, or why the reading is not shown.
local function after_reading(keys, unit, record, channel, row, observed, received)
  local standing = redis.call('HGET', keys[ROWS], unit)
  record = record or {holds = {}}
  if not hear(record, channel, row, standing, observed, received) then return nil, 'settled' end
  take_over(record, observed, math.huge)
  return record
end

-- args: fresh epoch, stream length, remember ms, index, rows. The rows stand one after another; the
-- index is JSON, a list for each report: channel (feed, nurse), unit, observed_ms, digest, trust,
-- received_ms, stale_ms, length of its row in bytes. Two arguments are read sooner than seven for
-- each of a hundred reports, and above all written sooner.
-- Reply: epoch, seq, and one letter per report: a applied, d duplicate, s superseded.
local function apply(keys, args)
  local before = answered(keys)
  if before then return before end
  local epoch, seq = begin(keys, args[1])
  local keep, rows, outcomes, from = args[2], args[5], {}, 1
  local keeps = keeps_any(keys)
  for n, report in ipairs(cjson.decode(args[4])) do
    local channel, unit, at, digest, trust, received, stale, length = unpack(report)
    local row, observed = string.sub(rows, from, from + length - 1), whole(at)
    from = from + length
    local version = redis.call('HGET', keys[VERSIONS], unit)
    local known_at, known_digest = nil, nil
    if version then known_at, known_digest = string.match(version, '^(%-?%d+)|([^|]*)|') end
    local record = keeps and record_of(keys, unit) or nil
    local kept, late = record, nil
    if known_at and at <= tonumber(known_at) then
      late = 'older'
    elseif version and same_channel(record, channel) and outranked(version, trust, received) then
      late = 'trust'
    elseif record or channel == 'nurse' then
      kept, late = after_reading(keys, unit, record, channel, row, at, received)
    end
    if not late then
      seq = seq + 1
      local mark = table.concat({observed, digest, whole(trust), whole(stale)}, '|')
      put(keys, epoch, seq, keep, unit, mark, row, kept)
      if kept then
        keep_record(keys, unit, kept)
        keeps = true
      end
      outcomes[n] = 'a'
    elseif observed == known_at and digest == known_digest then
      outcomes[n] = 'd'
    else
      redis.call('XADD', keys[LATE], 'MAXLEN', '~', keep, '*', 'u', unit, 'r', row, 'w', late)
      outcomes[n] = 's'
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
  local outcomes, keeps = {}, keeps_any(keys)
  for i = 4, #args, 3 do
    local unit, expected, row = args[i], args[i + 1], args[i + 2]
    local version = redis.call('HGET', keys[VERSIONS], unit) or ''
    if version == expected then
      seq = seq + 1
      local record = keeps and record_of(keys, unit) or nil
      put(keys, epoch, seq, args[2], unit, mark_of(version), row, record)
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
-- KEYS beyond those of every function: 13 moved, sorted set of message -> when it was counted;
-- 14 beds, hash of "unit|bed" -> "use|observed_ms".
-- args: fresh epoch, stream length, remember ms, ms that messages are remembered, number of rows,
-- number of beds, then per row: unit, expected version, mark (the version without seq), row, whom
-- it takes over (see below); then per bed: field, expected value, value; then messages that must
-- not have been counted before.
-- Reply: epoch, seq, a applied or c changed meanwhile.
local MOVED, BEDS = 13, 14

local function is_as_expected(keys, args, beds_at, messages_at)
  for i = 7, beds_at - 1, 5 do
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

-- A row whose beds are all known is a word of the feed ("all": it cannot be held back, the beds
-- are what they are). Counts that were moved are not: they go on from whoever spoke last. Each
-- that came in ("ms,ms": when) may be the one for whom a filled hold was kept.
local function after_move(keys, unit, row, mark, came)
  local record = record_of(keys, unit)
  if not record then return nil end
  if came == 'all' then
    local observed = tonumber(string.match(mark, '^%-?%d+'))
    record.settled = nil
    hear(record, 'feed', row, redis.call('HGET', keys[ROWS], unit), observed, now_ms())
    take_over(record, observed, math.huge)
  else
    for observed in string.gmatch(came, '%-?%d+') do take_over(record, tonumber(observed), 1) end
  end
  keep_record(keys, unit, record)
  return record
end

local function move(keys, args)
  local before = answered(keys)
  if before then return before end
  local epoch, seq = begin(keys, args[1])
  local beds_at = 7 + 5 * tonumber(args[5])
  local messages_at = beds_at + 3 * tonumber(args[6])
  if not is_as_expected(keys, args, beds_at, messages_at) then
    return answer(keys, args[3], {epoch, seq, 'c'})
  end
  local keeps = keeps_any(keys)
  for i = 7, beds_at - 1, 5 do
    local unit, mark, row = args[i], args[i + 2], args[i + 3]
    local record = keeps and after_move(keys, unit, row, mark, args[i + 4]) or nil
    seq = seq + 1
    put(keys, epoch, seq, args[2], unit, mark, row, record)
  end
  for i = beds_at, messages_at - 1, 3 do
    redis.call('HSET', keys[BEDS], args[i], args[i + 2])
  end
  local now = now_ms()
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
  local epoch, seq = args[1], 0
  local run = {keys = keys, now = now_ms()}
  for i = 4, #args do
    leave(run, args[i])
    redis.call('HDEL', keys[ROWS], args[i])
    redis.call('HDEL', keys[VERSIONS], args[i])
    seq = seq + 1
    redis.call('XADD', keys[CHANGES], 'MAXLEN', '~', args[2], '*',
      'e', epoch, 'n', seq, 'u', args[i], 'r', '')
  end
  redis.call('HSET', keys[META], 'epoch', epoch, 'seq', seq, 'history', history())
  return answer(keys, args[3], {epoch, seq, ''})
end

redis.register_function('apply_@HASH@', apply)
redis.register_function('replace_@HASH@', replace)
redis.register_function('remove_@HASH@', remove)
redis.register_function('move_@HASH@', move)
redis.register_function('apply_fenced_@HASH@', fenced(apply))
redis.register_function('replace_fenced_@HASH@', fenced(replace))
redis.register_function('remove_fenced_@HASH@', fenced(remove))
redis.register_function('move_fenced_@HASH@', fenced(move))
redis.register_function('ask_@HASH@', ask)
redis.register_function('turn_@HASH@', turn_hold)
redis.register_function('sweep_@HASH@', sweep)
redis.register_function('restore_@HASH@', restore)
