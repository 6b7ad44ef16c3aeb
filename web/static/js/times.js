// Ages and moments as people read them. Mirror of web/pages/times.py; instants are milliseconds.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const SHORT = 3; // letters of a month's name where room is scarce

const COPENHAGEN = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/Copenhagen",
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

export function instant(text) {
  return text ? Date.parse(text) : null;
}

export function age(words, seconds) {
  const whole = Math.trunc(seconds);
  if (whole < MINUTE) return words.text("age_now");
  if (whole < HOUR) return words.text("age_minutes", { n: Math.floor(whole / MINUTE) });
  if (whole < DAY) return words.text("age_hours", { n: Math.floor(whole / HOUR) });
  return words.text("age_days", { n: Math.floor(whole / DAY) });
}

// The time of day; in the autumn hour that occurs twice, also which of the two it is.
export function clock(words, at) {
  const { hour, minute } = wall(at);
  const text = words.text("clock", { hour, minute });
  const name = whichOfTwo(at);
  return name ? `${text} ${words.text(name)}` : text;
}

export function moment(words, at, now) {
  const then = wall(at);
  const today = wall(now);
  const days = Math.round((midnight(then) - midnight(today)) / (DAY * 1000));
  const key = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? "other_day";
  const parts = date(words, then);
  parts.month = parts.month.slice(0, SHORT);
  return words.text(key, { ...parts, clock: clock(words, at) });
}

export function full(words, at) {
  return words.text("full_time", { ...date(words, wall(at)), clock: clock(words, at) });
}

function date(words, parts) {
  return { day: Number(parts.day), month: words.months[parts.month - 1], year: parts.year };
}

function wall(at) {
  return Object.fromEntries(COPENHAGEN.formatToParts(at).map((part) => [part.type, part.value]));
}

function midnight({ year, month, day }) {
  return Date.UTC(year, month - 1, day);
}

function whichOfTwo(at) {
  const face = COPENHAGEN.format(at);
  if (COPENHAGEN.format(at + HOUR * 1000) === face) return "summer_time";
  return COPENHAGEN.format(at - HOUR * 1000) === face ? "winter_time" : null;
}

// The next instant at which it is a whole hour of the day in Denmark; not for the hours of the
// night in which clocks change.
export function nextTimeOfDay(hour, after) {
  const { hour: h, minute } = wall(after);
  const since = (Number(h) * 60 + Number(minute)) * 60_000 + (after % 60_000);
  const ahead = (hour * HOUR * 1000 - since + DAY * 1000) % (DAY * 1000);
  const found = after + ahead;
  const off = Number(wall(found).hour) - hour; // clocks changed in between
  return found - ((off + 36) % 24 - 12) * HOUR * 1000;
}

export function seconds(at) {
  return String(Math.floor(at / 1000) % 60).padStart(2, "0");
}
