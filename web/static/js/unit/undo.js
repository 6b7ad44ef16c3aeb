// What takes a tap back: the figures from before it, as a new tap. Pure: values in, values out.

import { freshnessOf } from "../shown.js";
import { instant } from "../times.js";
import { emptyNow } from "./texts.js";

// The body that brings back what `row` said before `body`, or null where that cannot be said again:
// a confirmation changed no figure, an old figure must not be made young, and a closure for a
// reason of somebody else's is not ours to give.
export function undoOf(body, row, at, reasons) {
  if (!row?.observed_at || "confirm" in body || freshnessOf(row, at) === "stale") return null;
  if ("capabilities_off" in body) return { capabilities_off: row.capabilities_off };
  if (row.closure_reason) return closure(row, at, reasons);
  if (row.on_duty === false) return { on_duty: false };
  const free = emptyNow(row, at);
  if ("on_duty" in body) return duty(row, free, at);
  if ("close" in body && free === null) return { open: true };
  if (free === null) return null;
  return "close" in body ? { open: true, free } : { free };
}

function closure(row, at, reasons) {
  const code = Object.keys(reasons).find((key) => reasons[key] === row.closure_reason);
  if (!code) return null;
  const ahead = row.reopens_at && instant(row.reopens_at) > at;
  return {
    close: {
      reason: code,
      reopens_at: ahead ? row.reopens_at : null,
      reopens_itself: Boolean(ahead && row.reopens_itself),
    },
  };
}

function duty(row, free, at) {
  const ahead = row.next_free_at && instant(row.next_free_at) > at;
  const body = { on_duty: row.on_duty ?? true };
  if (free !== null) body.free = free;
  if (ahead && !free) body.next_free_at = row.next_free_at;
  return body;
}
