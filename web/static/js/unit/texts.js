// What the page says of its unit's row. Mirror of web/pages/unit_texts.py: a test compares them.

import { freshnessOf, shown } from "../shown.js";
import { age, instant, moment } from "../times.js";

const LIVE = new Set(["asked", "accepted"]);
const COUNTED = new Set(["place", "team", "slot"]);
const NURSE = "nurse";

// How many places are kept for somebody on the way.
export function promised(row) {
  return row ? row.holds.filter((hold) => LIVE.has(hold.state)).length : 0;
}

// How many filled holds still lower the free figure that a report made now takes over.
function arrived(row, at) {
  const took = (hold) => hold.state === "filled" && hold.counts && instant(hold.ended_at) < at;
  return row.holds.filter(took).length;
}

// Empty, staffed places by the row that stands, as whoever is there counts them.
export function emptyNow(row, at) {
  const free = row.free_before_holds;
  return free === null ? null : Math.max(0, free - arrived(row, at));
}

// How many can be free at most by the total and what is out of use; null if unknown.
export function fits(row, places) {
  const total = row?.total ?? places;
  if (total === null) return null;
  const closed = row?.closed ?? 0;
  const unstaffed = row && row.staffed !== null ? total - row.staffed : 0;
  return Math.max(0, total - (row?.reserved ?? 0) - Math.max(closed, unstaffed));
}

export function said(row, now, words, config) {
  if (!row) {
    return {
      now: words.text("no_number"), line: "", warn: "", age: "", kept: "",
      stale: words.text("unit_no_figures"), confirm: "", mark: "unknown", shut: "",
    };
  }
  const seen = shown(row, now, words);
  const stale = seen.freshness === "stale";
  const kept = promised(row);
  const shut = row.state === "closed";
  return {
    now: nowText(row, words, seen, stale),
    line: line(row, now, words, seen, stale),
    warn: seen.warn,
    age: ageText(row, now, words, config),
    kept: kept ? words.count("unit_kept_count", kept) : "",
    stale: stale ? words.text("unit_stale") : "",
    confirm: confirmText(row, now, words, kept, shut, config.type),
    mark: seen.mark,
    shut: shut ? "shut" : "",
  };
}

// A count with its word: "2 af 4 ledige".
export function figure(row, words, free) {
  if (free === null) return words.text("no_number");
  const total = row.total === null ? "" : ` ${words.text("of", { n: row.total })}`;
  return `${free}${total} ${words.count("total_free", free)}`;
}

// What a row says in a few words, trusted or not.
export function plain(row, words, seen) {
  if (row.state === "closed") return words.text("unit_figure_closed");
  if (seen.mark === "load") {
    return [seen.number, seen.of, seen.word].filter(Boolean).join(" ");
  }
  if (row.free !== null) return figure(row, words, row.free);
  return row.state === "free" ? words.text("state_open").toLowerCase() : words.text("no_number");
}

export function sourceName(source, words, config) {
  if (source === NURSE) return words.text("unit_source_nurse");
  return config.sources[source] ?? source ?? words.text("no_number");
}

// The number on a button and what taking it means while some are kept for somebody.
export function padWord(n, kept, words) {
  if (n === 0) return words.text("unit_pad_none");
  const held = Math.min(kept, n);
  const free = words.count("total_free", n - held);
  if (!held) return free;
  return `${n - held} ${free}, ${words.text("unit_pad_kept", { n: held })}`;
}

function nowText(row, words, seen, stale) {
  if (seen.freshness === "unknown") return words.text("unit_never");
  return words.text(stale ? "unit_last" : "unit_now", { figure: plain(row, words, seen) });
}

function line(row, now, words, seen, stale) {
  if (!stale) return seen.line;
  const already = words.text("last_at", { time: moment(words, instant(row.observed_at), now) });
  return seen.line.split(" · ").filter((part) => part !== already).join(" · ");
}

function ageText(row, now, words, config) {
  if (!row.observed_at) return "";
  const at = instant(row.observed_at);
  return words.text("unit_updated", {
    time: moment(words, at, now),
    age: age(words, (now - at) / 1000),
    source: sourceName(row.source, words, config),
  });
}

function confirmText(row, now, words, kept, shut, type) {
  if (!row.observed_at) return "";
  if (shut) return words.text("unit_confirm_closed");
  if (!COUNTED.has(type)) return words.text("unit_confirm_plain");
  const empty = emptyNow(row, now);
  if (empty === null) return "";
  let text = `${empty} ${words.count("total_free", empty)}`;
  if (kept && empty) {
    text = words.text("unit_figure_kept", { figure: text, n: Math.min(kept, empty) });
  }
  return words.text("unit_confirm", { figure: text });
}

export function isStale(row, now) {
  return freshnessOf(row, now) === "stale";
}
