-- What is kept of a unit beside its row (holds, what feed and nurse last said), and the one place
-- in which rows are written, so that no writer of rows can overwrite a hold.
--
-- KEYS of every function, all of one cluster (they share a hash tag):
--   1 meta      hash: epoch, seq, history (the one in which was written last, see `begin`), clock
--               (the time at which a hold function last looked, ms)
--   2 rows      hash: unit -> whole row, JSON
--   3 versions  hash: unit -> "observed_ms|digest|trust|stale_ms|seq" (an older program's lack the
--               two in the middle: no trust)
--   4 changes   stream: e epoch, n seq, u unit, r row (empty: the unit left the board)
--   5 late      stream: u unit, r row that was not shown, w why: older, trust, settled
--   6 request   string: the answer given to this request, kept for a while
--   7 kept      hash: unit -> record, JSON; only units that have anything to keep
--   8 due       sorted set: live hold -> its deadline
--   9 lapse     sorted set: unit -> when something in its record is to be let go of
--  10 unit_of   hash: hold -> unit
--  11 quota     hash: agreement|period -> how many holds count in it
--  12 journal   stream: k kind, t time in ms, d JSON
--
-- A record: holds, a list (see holds.lua); on, feed, nurse, settled, disputed, arose (see
-- disputes.lua). Whatever a record has from outside is kept as JSON text: decoding and encoding
-- would turn an empty list into an empty object.

local META, ROWS, VERSIONS, CHANGES, LATE, REQUEST = 1, 2, 3, 4, 5, 6
local KEPT, DUE, LAPSE, UNIT_OF, QUOTA, JOURNAL = 7, 8, 9, 10, 11, 12

-- How long an ended hold stays in its row: a board that got few frames must still see the answer.
local KEEP_ENDED = 10 * 60 * 1000

local LIVE = {asked = true, accepted = true}

local FIGURE = '"free_before_holds":([%w%-]+),"free":([%w%-]+),"state":"(%a+)"'

-- The server's name for the history of writes that it is in: another after each restart, and each
-- time a replica becomes primary, also when it was primary before.
local function history()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
end

-- A server that was restarted, promoted or put in another's place may have lost the last changes
-- without knowing it. It is in another history than the one noted, so a new epoch begins, and
-- every reader that holds a cursor of the old one takes a snapshot.
local function begin(keys, fresh_epoch)
  local known = redis.call('HMGET', keys[META], 'epoch', 'seq', 'history')
  local present = history()
  local epoch, seq = known[1], tonumber(known[2] or '0')
  if not epoch or known[3] ~= present then
    epoch, seq = fresh_epoch, 0
    redis.call('HSET', keys[META], 'epoch', epoch, 'seq', 0, 'history', present)
  end
  return epoch, seq
end

local function answered(keys)
  local before = redis.call('GET', keys[REQUEST])
  if before then return cjson.decode(before) end
end

local function answer(keys, remember_ms, reply)
  redis.call('SET', keys[REQUEST], cjson.encode(reply), 'PX', remember_ms)
  return reply
end

-- Instants as `%d`: the server's own way to write large numbers as text may shorten them.
local function whole(number) return string.format('%d', number) end

local function keeps_any(keys) return redis.call('EXISTS', keys[KEPT]) == 1 end

local function record_of(keys, unit)
  local text = redis.call('HGET', keys[KEPT], unit)
  if text then return cjson.decode(text) end
end

local function forget(keys, unit)
  redis.call('HDEL', keys[KEPT], unit)
  redis.call('ZREM', keys[LAPSE], unit)
end

-- When something in the record is to be let go of; nil: never by time alone.
local function lapses_at(record)
  local first = nil
  local function at(ms) if ms and (not first or ms < first) then first = ms end end
  for _, hold in ipairs(record.holds) do
    if not hold.counts then at(hold.ended + KEEP_ENDED) end
  end
  at(record.feed and record.feed.ends)
  at(record.nurse and record.nurse.ends)
  return first
end

local function keep_record(keys, unit, record)
  if #record.holds == 0 and not record.on then return forget(keys, unit) end
  redis.call('HSET', keys[KEPT], unit, cjson.encode(record))
  local at = lapses_at(record)
  if at then
    redis.call('ZADD', keys[LAPSE], whole(at), unit)
  else
    redis.call('ZREM', keys[LAPSE], unit)
  end
end

local function instant_or_null(ms) return ms and '"' .. iso(ms) .. '"' or 'null' end

-- A hold as rows, answers and the journal show it, without the closing brace.
local function hold_text(hold)
  return table.concat({
    '{"id":"', hold.id, '","unit":"', hold.unit, '","state":"', hold.state,
    '","asked_at":"', iso(hold.asked), '","expires_at":"', iso(hold.expires),
    '","answer_by":"', iso(hold.answer_by), '","answered_at":', instant_or_null(hold.answered),
    ',"ended_at":', instant_or_null(hold.ended), ',"by":', hold.by, ',"need":', hold.need,
    ',"agreement":', hold.agreement, ',"reason":', hold.reason,
    ',"counts":', hold.counts and 'true' or 'false',
  })
end

-- The row with what is kept of its unit: `with_holds` in capacity/row.py is the same in Python.
-- The fields stand side by side in every row that capacity/row.py makes. A closed unit offers
-- nothing anyway, and where free is unknown it stays so.
local function shown(row, record)
  local from = string.find(row, '"held":', 1, true)
  if not from then return row end
  local at, to, before, free, state = string.find(row, FIGURE, from)
  if not at then return row end
  local live, counting, texts = 0, 0, {}
  for n, hold in ipairs(record.holds) do
    if LIVE[hold.state] then live = live + 1 end
    if hold.counts then counting = counting + 1 end
    texts[n] = hold_text(hold) .. '}'
  end
  if state ~= 'closed' and before ~= 'null' then
    local left = math.max(0, tonumber(before) - counting)
    free, state = whole(left), left > 0 and 'free' or 'occupied'
  end
  local other = record.disputed and record[record.on == 'nurse' and 'feed' or 'nurse']
  return table.concat({
    string.sub(row, 1, from - 1), '"held":', whole(live), ',"holds":[', table.concat(texts, ','),
    '],"disputed":', other and other.text or 'null', ',"free_before_holds":', before,
    ',"free":', free, ',"state":"', state, '"', string.sub(row, to + 1),
  })
end

-- Every row is written here. `record` is what is kept of the unit, or nil.
local function put(keys, epoch, seq, keep, unit, mark, row, record)
  if record then row = shown(row, record) end
  redis.call('HSET', keys[ROWS], unit, row)
  redis.call('HSET', keys[VERSIONS], unit, mark .. '|' .. seq)
  redis.call('XADD', keys[CHANGES], 'MAXLEN', '~', keep, '*',
    'e', epoch, 'n', seq, 'u', unit, 'r', row)
end

local function mark_of(version) return string.match(version, '^(.*)|%d+$') or '-1|' end
