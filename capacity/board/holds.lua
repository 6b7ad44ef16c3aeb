-- Holds: a place or visit kept for one caller. The states and which may follow which are those of
-- capacity/holds.py; docs/holds.md tells the rest.
--
-- A hold in a record: id, unit, state, asked, expires, answer_by, answered, ended (ms), by, need,
-- agreement, reason (JSON texts), quota (field of the quota hash, '' for none), counts (whether it
-- lowers free), path (JSON texts of [state, instant, by], comma between).
--
-- All functions here go by the server's own clock, and let what is due expire first.

-- A clock that goes back by less than this is waited for; more, or a longer step forwards than
-- anybody who looks each second could see, is a jump, or a time in which nobody looked.
local BACK_AT_MOST, FORTH_AT_MOST = 1000, 60 * 1000
-- The time is noted by whoever writes anyway, and at least this often while there are live holds.
local NOTE_EVERY = 10 * 1000
-- Ended holds shown in one row: more than anybody reads, little enough that no client can make
-- rows grow by asking and cancelling.
local MOST_ENDED = 40
local JOURNAL_LENGTH = @JOURNAL_LENGTH@

local LEGAL = {
  asked = {accepted = true, declined = true, cancelled = true, expired = true, filled = true},
  accepted = {filled = true, released = true, cancelled = true, expired = true},
}

-- One call's work: records opened and whether they were changed, written back by `finish`.
local function open_run(keys, args)
  local epoch, seq = begin(keys, args[1])
  return {keys = keys, epoch = epoch, seq = seq, keep = args[2], opened = {}, order = {}}
end

local function open(run, unit)
  local record = run.opened[unit]
  if not record then
    record = record_of(run.keys, unit) or {holds = {}}
    run.opened[unit] = record
    run.order[#run.order + 1] = unit
  end
  return record
end

local function finish(run)
  for _, unit in ipairs(run.order) do
    local record = run.opened[unit]
    keep_record(run.keys, unit, record)
    local row = redis.call('HGET', run.keys[ROWS], unit)
    if row and shown(row, record) ~= row then
      run.seq = run.seq + 1
      local version = redis.call('HGET', run.keys[VERSIONS], unit) or ''
      put(run.keys, run.epoch, run.seq, run.keep, unit, mark_of(version), row, record)
      redis.call('HSET', run.keys[META], 'seq', run.seq)
    end
  end
end

local function note(run, hold)
  redis.call('XADD', run.keys[JOURNAL], 'MAXLEN', '~', JOURNAL_LENGTH, '*',
    'k', 'hold', 't', whole(run.now), 'd', table.concat({
      hold_text(hold), ',"quota":', hold.quota == '' and 'null' or cjson.encode(hold.quota),
      ',"path":[', hold.path, ']}',
    }))
end

local function count_in_quota(run, field, by)
  if field == '' then return end
  if redis.call('HINCRBY', run.keys[QUOTA], field, by) <= 0 then
    redis.call('HDEL', run.keys[QUOTA], field)
  end
end

local function find(record, id)
  for _, hold in ipairs(record.holds) do
    if hold.id == id then return hold end
  end
end

local function turn(run, hold, to, by, reason)
  hold.state, hold.reason = to, reason
  if to == 'accepted' or to == 'declined' then hold.answered = run.now end
  if to ~= 'accepted' then
    hold.ended, hold.counts = run.now, to == 'filled'
    redis.call('ZREM', run.keys[DUE], hold.id)
    if to ~= 'filled' then count_in_quota(run, hold.quota, -1) end
  end
  hold.path = hold.path .. string.format(',["%s","%s",%s]', to, iso(run.now), by)
  note(run, hold)
end

local function drop_ended(run, record, when)
  local left = {}
  for _, hold in ipairs(record.holds) do
    if not hold.counts and when(hold) then
      redis.call('HDEL', run.keys[UNIT_OF], hold.id)
    else
      left[#left + 1] = hold
    end
  end
  record.holds = left
end

-- The clock jumped, or nobody looked for long: what was left of each hold is left of it still, so
-- that none is freed early. A filling never lies ahead of the clock, or no report could take over.
local function move_deadlines(run, by)
  for _, id in ipairs(redis.call('ZRANGE', run.keys[DUE], 0, -1)) do
    local unit = redis.call('HGET', run.keys[UNIT_OF], id)
    local hold = find(open(run, unit), id)
    hold.expires = hold.expires + by
    if hold.state == 'asked' then hold.answer_by = hold.answer_by + by end
    redis.call('ZADD', run.keys[DUE], whole(hold.expires), id)
    note(run, hold)
  end
  if by > 0 then return end
  for _, unit in ipairs(redis.call('HKEYS', run.keys[KEPT])) do
    for _, hold in ipairs(open(run, unit).holds) do
      if hold.ended then hold.ended = math.min(hold.ended, run.now) end
    end
  end
end

-- Read the clock; `writes` tells whether this call writes anyway.
local function look_at_clock(run, writes)
  local now = now_ms()
  local noted = tonumber(redis.call('HGET', run.keys[META], 'clock') or '')
  local last = noted or now
  local passed = now - last
  if passed < 0 and passed >= -BACK_AT_MOST then now, passed = last, 0 end
  run.now = now
  local jumped = passed < 0 or passed > FORTH_AT_MOST
  if jumped then move_deadlines(run, passed) end
  if writes or jumped or not noted or passed >= NOTE_EVERY then
    redis.call('HSET', run.keys[META], 'clock', whole(now))
    return true
  end
end

local function let_expire(run)
  local due = redis.call('ZRANGEBYSCORE', run.keys[DUE], '-inf', whole(run.now))
  for _, id in ipairs(due) do
    local record = open(run, redis.call('HGET', run.keys[UNIT_OF], id))
    turn(run, find(record, id), 'expired', 'null', 'null')
  end
  local over = redis.call('ZRANGEBYSCORE', run.keys[LAPSE], '-inf', whole(run.now), 'LIMIT', 0, 200)
  for _, unit in ipairs(over) do
    local record = open(run, unit)
    drop_ended(run, record, function(hold) return hold.ended + KEEP_ENDED <= run.now end)
    lapse_words(record, run.now)
    tidy(record)
  end
end

-- Why a unit with this row cannot be held now; nil when it can.
local function refusal(row, now)
  if not row then return 'unknown' end
  local at, to, _, free, state = string.find(row, FIGURE)
  if not at then return 'unknown' end
  local stale = string.match(row, '"stale_at":"([^"]+)"', to)
  if not stale then return 'unknown' end
  if state == 'closed' then return 'closed' end
  if ms_of(stale) <= now then return 'stale' end
  if free == 'null' then return 'unknown' end
  if free == '0' then return 'taken' end
end

local function is_used_up(run, field, limit)
  return field ~= '' and tonumber(redis.call('HGET', run.keys[QUOTA], field) or '0') >= limit
end

-- args: fresh epoch, stream length, remember ms, unit, id, ms held, ms to answer, by, need,
-- agreement (JSON texts), quota field ('' for none), its limit.
-- Reply: epoch, seq, code (held, or why not), the hold.
local function ask(keys, args)
  local before = answered(keys)
  if before then return before end
  local run = open_run(keys, args)
  look_at_clock(run, true)
  let_expire(run)
  local unit, id, quota = args[4], args[5], args[11]
  local record = open(run, unit)
  local hold, code = find(record, id), 'held'
  if not hold then
    local row = redis.call('HGET', keys[ROWS], unit)
    code = refusal(row and shown(row, record), run.now)
      or is_used_up(run, quota, tonumber(args[12])) and 'quota' or 'held'
  end
  if code == 'held' and not hold then
    hold = {
      id = id, unit = unit, state = 'asked', asked = run.now, expires = run.now + args[6],
      answer_by = run.now + args[7], by = args[8], need = args[9], agreement = args[10],
      reason = 'null', quota = quota, counts = true,
      path = string.format('["asked","%s",%s]', iso(run.now), args[8]),
    }
    local spare = #record.holds - MOST_ENDED
    drop_ended(run, record, function()
      spare = spare - 1
      return spare >= 0
    end)
    record.holds[#record.holds + 1] = hold
    redis.call('ZADD', keys[DUE], whole(hold.expires), id)
    redis.call('HSET', keys[UNIT_OF], id, unit)
    count_in_quota(run, quota, 1)
    note(run, hold)
  end
  finish(run)
  return answer(keys, args[3], {run.epoch, run.seq, code, hold and hold_text(hold) .. '}' or ''})
end

-- args: fresh epoch, stream length, remember ms, id, state to turn to, by, reason (JSON texts).
-- Reply: epoch, seq, code (done, illegal, unknown), the hold as it is then.
local function turn_hold(keys, args)
  local before = answered(keys)
  if before then return before end
  local run = open_run(keys, args)
  look_at_clock(run, true)
  let_expire(run)
  local unit = redis.call('HGET', keys[UNIT_OF], args[4])
  local hold = unit and find(open(run, unit), args[4])
  local code = 'unknown'
  if hold then
    local legal = LEGAL[hold.state]
    code = legal and legal[args[5]] and 'done' or 'illegal'
    if code == 'done' then turn(run, hold, args[5], args[6], args[7]) end
  end
  finish(run)
  return answer(keys, args[3], {run.epoch, run.seq, code, hold and hold_text(hold) .. '}' or ''})
end

-- Let what is due expire; writes nothing when nothing is. Every now and then it also mends rows
-- that a program which knows nothing of holds has written meanwhile.
-- args: fresh epoch, stream length. Reply: how many holds are live.
local function sweep(keys, args)
  if not keeps_any(keys) then return 0 end
  local run = open_run(keys, args)
  if look_at_clock(run, false) then
    for _, unit in ipairs(redis.call('HKEYS', keys[KEPT])) do open(run, unit) end
  end
  let_expire(run)
  finish(run)
  return redis.call('ZCARD', keys[DUE])
end

-- Put back what a lost store had; the journal has it already. What is known is left alone. A row
-- that is put back later finds its holds, and takes over those that were filled before it. args: fresh epoch, stream length, remember ms, when the lost store's clock was last seen (ms
-- or ''), then per hold: unit, id, state, asked, expires, answer_by, answered, ended (ms or ''), by,
-- need, agreement, reason, quota, path. Reply: epoch, seq, how many.
local function restore(keys, args)
  local before = answered(keys)
  if before then return before end
  local run, count = open_run(keys, args), 0
  if args[4] ~= '' then redis.call('HSET', keys[META], 'clock', args[4]) end
  run.now = now_ms()
  for i = 5, #args, 14 do
    local unit, id, state = args[i], args[i + 1], args[i + 2]
    local version = redis.call('HGET', keys[VERSIONS], unit)
    local ended = tonumber(args[i + 7])
    if redis.call('HEXISTS', keys[UNIT_OF], id) == 0 then
      local observed = tonumber(version and string.match(version, '^(%-?%d+)|') or '-1')
      local hold = {
        id = id, unit = unit, state = state, asked = tonumber(args[i + 3]),
        expires = tonumber(args[i + 4]), answer_by = tonumber(args[i + 5]),
        answered = tonumber(args[i + 6]), ended = ended, by = args[i + 8], need = args[i + 9],
        agreement = args[i + 10], reason = args[i + 11], quota = args[i + 12],
        counts = LIVE[state] or state == 'filled' and ended >= observed or false,
        path = args[i + 13],
      }
      if LIVE[state] then redis.call('ZADD', keys[DUE], whole(hold.expires), id) end
      if LIVE[state] or state == 'filled' then count_in_quota(run, hold.quota, 1) end
      if hold.counts or ended + KEEP_ENDED > run.now then
        local record = open(run, unit)
        record.holds[#record.holds + 1] = hold
        redis.call('HSET', keys[UNIT_OF], id, unit)
        count = count + 1
      end
    end
  end
  look_at_clock(run, true)
  let_expire(run)
  finish(run)
  return answer(keys, args[3], {run.epoch, run.seq, count})
end

-- Those that a unit's own figures now contain no longer lower free: filled before `observed`, at
-- most `most` of them, the oldest first. Tells whether there were any.
local function take_over(record, observed, most)
  local any = false
  for _, hold in ipairs(record.holds) do
    if most > 0 and hold.state == 'filled' and hold.counts and hold.ended < observed then
      hold.counts, any, most = false, true, most - 1
    end
  end
  return any
end

-- A unit leaves the board, and what was held there with it.
local function leave(run, unit)
  local record = record_of(run.keys, unit)
  if not record then return end
  for _, hold in ipairs(record.holds) do
    if LIVE[hold.state] then turn(run, hold, 'cancelled', 'null', '"unit_left"') end
    redis.call('HDEL', run.keys[UNIT_OF], hold.id)
  end
  forget(run.keys, unit)
end
