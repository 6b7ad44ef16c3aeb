-- Where a feed and a nurse disagree. The rule, in words and in Python, is capacity/disputes.py;
-- the two are held against each other by a test.
--
-- In a unit's record: on (whose word the row is), feed and nurse (the last word of each that may
-- still be disputed: figure, ends, text; feed's also absorbed), settled (the figure of the feed
-- that the nurse has overruled), disputed (true or nil), arose (ms). A unit of which no nurse has
-- spoken has none of them: the row itself is the feed's last word.

local function word_of(row)
  local at, to, figure, _, state = string.find(row, FIGURE)
  if not at then return nil end
  local observed = string.match(row, '"observed_at":"([^"]+)"', to)
  local stale = string.match(row, '"stale_at":"([^"]+)"', to)
  if not observed or not stale then return nil end
  local free, ends = figure, ms_of(stale)
  if state == 'closed' then
    figure, free = 'closed', '0'
    local reopens = string.match(row, '"reopens_at":"([^"]+)","reopens_itself":true', to)
    if reopens then ends = math.min(ends, ms_of(reopens)) end
  elseif figure == 'null' then
    return nil
  else
    state = figure == '0' and 'occupied' or 'free'
  end
  local text = string.format('{"source":%s,"free":%s,"state":"%s","observed_at":"%s"}',
    string.match(row, '"source":("[^"]*")', to) or 'null', free, state, observed)
  return {figure = figure, ends = ends, text = text}
end

local function no_dispute(record) record.disputed, record.arose = nil, nil end

local function lapse_words(record, now)
  if record.feed and record.feed.ends <= now then record.feed = nil end
  if record.nurse and record.nurse.ends <= now then record.nurse = nil end
  if not record.nurse then record.settled = nil end
  if record.disputed and not record[record.on == 'nurse' and 'feed' or 'nurse'] then
    no_dispute(record)
  end
end

-- Once the row is again nothing but the feed's last word, there is nothing to keep.
local function tidy(record)
  if record.on == 'feed' and not record.nurse and not (record.feed and record.feed.absorbed) then
    record.on, record.feed = nil, nil
  end
end

local function hear_feed(record, word, now)
  local nurse, last = record.nurse, record.feed
  if word and record.settled == word.figure then return false end
  record.settled, record.feed = nil, word
  if word and nurse and word.figure == nurse.figure then
    word.absorbed, record.nurse = true, nil
    no_dispute(record)
  elseif word and nurse then
    if not record.disputed or not last or last.figure ~= word.figure then record.arose = now end
    record.disputed = true
  else
    if word and last and last.absorbed and last.figure == word.figure then word.absorbed = true end
    no_dispute(record)
  end
  return true
end

local function hear_nurse(record, word, observed, now)
  local feed = record.feed
  local standing = feed and not feed.absorbed and feed
  record.nurse = word
  if not word then
    record.settled = nil
    no_dispute(record)
  elseif standing and standing.figure == word.figure then
    feed.absorbed, record.nurse, record.settled = true, nil, nil
    no_dispute(record)
  elseif standing and record.disputed and observed > record.arose then
    feed.absorbed, record.settled = true, feed.figure
    no_dispute(record)
  elseif standing then
    if not record.disputed then record.arose = now end
    record.disputed = true
  else
    if record.settled == word.figure then record.settled = nil end
    no_dispute(record)
  end
end

-- Take in a new reading's row. `standing` is the row that it is about to replace, if any. Tells
-- whether it may: false for a feed that repeats what the nurse has overruled.
local function hear(record, channel, row, standing, observed, now)
  if not record.on then
    record.on = 'feed'
    record.feed = standing and word_of(standing)
  end
  lapse_words(record, now)
  local word = word_of(row)
  if channel == 'feed' then
    if not hear_feed(record, word, now) then return false end
  else
    hear_nurse(record, word, observed, now)
  end
  record.on = channel
  tidy(record)
  return true
end
