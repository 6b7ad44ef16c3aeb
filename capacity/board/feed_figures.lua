-- What all processes together know of one source, in one atomic step. Times in ms since 1970.
-- KEYS: 1 state hash, 2 counts hash of the present bucket of minutes.
-- ARGV: 1 ms that counts are kept, then eight that may be empty: 2 attempt, 3 success, 4 good,
-- 5 arrival, 6 observed, 7 when that came in, 8 lag, 9 failing since; 10 last error; then fate,
-- count, …
local STATE = KEYS[1]

local function later(field, value)
  if value == '' or tonumber(value) <= tonumber(redis.call('HGET', STATE, field) or '-1') then
    return false
  end
  redis.call('HSET', STATE, field, value)
  return true
end

if later('attempt', ARGV[2]) then
  redis.call('HSET', STATE, 'failing', ARGV[9], 'error', ARGV[10])
end
later('success', ARGV[3])
later('good', ARGV[4])
if later('arrival', ARGV[5]) and ARGV[8] ~= '' then redis.call('HSET', STATE, 'lag', ARGV[8]) end
if later('observed', ARGV[6]) then redis.call('HSET', STATE, 'advanced', ARGV[7]) end
for i = 11, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1])
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
end
