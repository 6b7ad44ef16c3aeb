-- Instants as texts. The server has no calendar, so this is the usual arithmetic on years that
-- begin in March; what comes out is what `capacity.instants.format_instant` writes.

local DAY = 86400000

local function iso(ms)
  local days, rest = math.floor(ms / DAY) + 719468, ms % DAY
  local era = math.floor(days / 146097)
  local day_of_era = days - era * 146097
  local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460)
    + math.floor(day_of_era / 36524) - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era
    - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local shifted = math.floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - math.floor((153 * shifted + 2) / 5) + 1
  local month = shifted < 10 and shifted + 3 or shifted - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  local seconds, millis = math.floor(rest / 1000), rest % 1000
  local text = string.format('%04d-%02d-%02dT%02d:%02d:%02d', year, month, day,
    math.floor(seconds / 3600), math.floor(seconds / 60) % 60, seconds % 60)
  if millis > 0 then text = text .. string.format('.%03d', millis) end
  return text .. 'Z'
end

local function ms_of(text)
  local year, month, day, hour, minute, second, fraction =
    string.match(text, '^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)%.?(%d*)Z$')
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  if month <= 2 then year = year - 1 end
  local era = math.floor(year / 400)
  local year_of_era = year - era * 400
  local shifted = month > 2 and month - 3 or month + 9
  local day_of_year = math.floor((153 * shifted + 2) / 5) + day - 1
  local day_of_era = year_of_era * 365 + math.floor(year_of_era / 4)
    - math.floor(year_of_era / 100) + day_of_year
  local days = era * 146097 + day_of_era - 719468
  local seconds = (tonumber(hour) * 60 + tonumber(minute)) * 60 + tonumber(second)
  return days * DAY + seconds * 1000 + tonumber(string.sub(fraction .. '000', 1, 3))
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
