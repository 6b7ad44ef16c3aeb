// Times of day as a Dane means them, wherever the phone believes to be.

const COPENHAGEN = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/Copenhagen",
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
});
const OFFSETS = [2, 1]; // hours ahead of UTC, summer first: the first of two equal hours

// An instant as the wall clock shows it: "2026-11-24T14:05".
export function wallOf(at) {
  const parts = COPENHAGEN.formatToParts(at).map(({ type, value }) => [type, value]);
  const { year, month, day, hour, minute } = Object.fromEntries(parts);
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

// The instant of such a wall-clock time; NaN for one that March skips, or for no time at all.
export function fromWall(text) {
  const asUtc = Date.parse(`${text}:00Z`);
  const found = OFFSETS.map((hours) => asUtc - hours * 3_600_000).find(
    (at) => !Number.isNaN(at) && wallOf(at) === text.slice(0, 16),
  );
  return found ?? NaN;
}
