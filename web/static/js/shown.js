// What the page says of one row at one moment. Mirror of web/pages/shown.py: a test compares them.

import { age, full, instant, moment } from "./times.js";

export const HOLDABLE = ["place", "team", "slot"]; // shapes that tell of something to keep
const NURSE = "nurse";

// Whether a hold keeps a place now.
export const isLive = (hold) => hold.state === "asked" || hold.state === "accepted";

// It is stale *at* stale_at, not after it.
export function freshnessOf(row, now) {
  if (!row.observed_at || !row.stale_at) return "unknown";
  if (now >= instant(row.stale_at)) return "stale";
  return row.ageing_at && now >= instant(row.ageing_at) ? "ageing" : "fresh";
}

export function shown(row, now, words) {
  const freshness = freshnessOf(row, now);
  const trusted = freshness === "fresh" || freshness === "ageing";
  return {
    name: row.name,
    freshness,
    ...figure(row, freshness, words),
    ...pressure(row, trusted, words),
    ...ageTexts(row, freshness, now, words),
    line: line(row, freshness, now, words).filter(Boolean).join(" · "),
    warn: trusted ? contradictions(row, words) : "",
    note: row.note ?? "",
    phone: national(row.phone),
    counts: trusted ? counts(row, words) : "",
    abilities: names(row.capabilities, words),
    abilities_off: row.capabilities_off.length
      ? words.text("abilities_off", { names: names(row.capabilities_off, words) })
      : "",
    source: row.source ?? "",
    held: row.held ? words.count("held", row.held) : "",
    holds: holds(row, now, words).join(", "),
    disputed: dispute(row, now, words),
    hold: mayHold(row, trusted, words),
  };
}

// A Danish number as Danes write it; the link dials the whole one.
export function national(phone) {
  return (phone ?? "").replace(/^\+45/, "").trim();
}

// Minutes and seconds left until an instant, "0:00" when it has passed.
export function countdown(until, now) {
  const left = Math.max(0, Math.ceil((until - now) / 1000));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

// What stands between the unit's own figure and the free one, and a decline just given.
function holds(row, now, words) {
  const order = (hold) => `${hold.expires_at} ${hold.id}`;
  const live = row.holds.filter(isLive).sort((a, b) => (order(a) < order(b) ? -1 : 1));
  const texts = live.map((hold) => {
    const left = countdown(instant(hold.expires_at), now);
    return words.text(`hold_${hold.state}`, { left });
  });
  const filled = row.holds.filter((hold) => hold.state === "filled" && hold.counts).length;
  if (filled) texts.push(words.text("hold_filled", { n: filled }));
  const declined = row.holds.filter((hold) => hold.state === "declined");
  const last = declined.map((hold) => hold.ended_at).sort().at(-1);
  if (last) {
    texts.push(words.text("hold_declined", { time: moment(words, instant(last), now) }));
  }
  return texts;
}

// Both figures, where a feed and a person at the unit disagree, each with its time.
function dispute(row, now, words) {
  const other = row.disputed;
  if (!other) return "";
  const standing = { ...row, free: row.free_before_holds };
  const [system, nurse] = other.source === NURSE ? [standing, other] : [other, standing];
  const values = { system: wordOf(system, now, words), nurse: wordOf(nurse, now, words) };
  return words.text("disputed", values);
}

function wordOf(said, now, words) {
  const closed = said.state === "closed";
  const figure = closed ? words.text("word_closed") : String(said.free ?? words.text("no_number"));
  const at = instant(said.observed_at);
  return at === null ? figure : `${figure} ${moment(words, at, now)}`;
}

function mayHold(row, trusted, words) {
  if (!HOLDABLE.includes(words.shapes[row.kind])) return "";
  return trusted && row.state !== "closed" && row.free ? "yes" : "no";
}

function figure(row, freshness, words) {
  if (freshness === "stale" || freshness === "unknown") return marked(words, freshness);
  if (row.state === "closed") return marked(words, "closed");
  const load = loadFigure(row, words);
  if (load) return load;
  if (row.free === null) {
    return row.state === "free"
      ? { ...marked(words, "free"), number: "", word: words.text("state_open") }
      : marked(words, "unknown");
  }
  const mark = row.free < 1 ? "occupied" : row.free === 1 ? "one" : "free";
  return { ...marked(words, mark), number: String(row.free), of: ofTotal(row, words) };
}

function marked(words, mark) {
  return { mark, number: words.text("no_number"), of: "", word: words.text(`state_${mark}`) };
}

function loadFigure(row, words) {
  if (words.shapes[row.kind] !== "load") return null;
  const load = (number, of, word) => ({ mark: "load", number, of, word: words.text(word) });
  if (row.occupied !== null) {
    return load(String(row.occupied), ofTotal(row, words), "load_occupied");
  }
  if (row.waiting !== null) return load(String(row.waiting), "", "waiting");
  if (row.wait_minutes !== null) return load(minutes(row, words), "", "wait");
  return null;
}

function ofTotal(row, words) {
  return row.total === null ? "" : words.text("of", { n: row.total });
}

function minutes(row, words) {
  return words.text("minutes", { n: row.wait_minutes });
}

// Waiting and waiting time, where the main figure is not already that.
function pressure(row, trusted, words) {
  const texts = { waiting: "", waiting_word: "", wait: "", wait_word: "" };
  if (!trusted || row.state === "closed") return texts;
  const leads = words.shapes[row.kind] === "load" && row.occupied === null;
  if (row.waiting !== null && !leads) {
    texts.waiting = String(row.waiting);
    texts.waiting_word = words.text("waiting");
  }
  if (row.wait_minutes !== null && !(leads && row.waiting === null)) {
    texts.wait = minutes(row, words);
    texts.wait_word = words.text("wait");
  }
  return texts;
}

function ageTexts(row, freshness, now, words) {
  if (!row.observed_at) {
    const observed = words.text("observed_never");
    return { age: words.text("age_never"), ageing: "", observed, observed_at: "" };
  }
  const at = instant(row.observed_at);
  return {
    age: age(words, (now - at) / 1000),
    ageing: freshness === "ageing" ? words.text("ageing") : "",
    observed: words.text("observed", { time: full(words, at) }),
    observed_at: row.observed_at,
  };
}

function line(row, freshness, now, words) {
  const stale = freshness === "stale";
  const parts = [];
  if (stale) {
    const time = moment(words, instant(row.observed_at), now);
    parts.push(words.text("last_at", { time }));
  }
  if (row.closure_reason) {
    const reason = row.closure_reason;
    parts.push(stale ? words.text("was_closed", { reason }) : reason);
  }
  parts.push(reopening(row, now, words));
  if (!stale) parts.push(duty(row, words), nextFree(row, now, words));
  return parts;
}

function reopening(row, now, words) {
  if (!row.reopens_at) return "";
  const at = instant(row.reopens_at);
  const expected = row.reopens_itself ? "reopens" : "reopens_expected";
  return words.text(at <= now ? "reopening_passed" : expected, { time: moment(words, at, now) });
}

// Said only where the state does not say it already.
function duty(row, words) {
  if (row.on_duty === false && !row.closure_reason) return words.text("off_duty");
  return row.on_duty && row.state === "unknown" ? words.text("on_duty") : "";
}

function nextFree(row, now, words) {
  const at = instant(row.next_free_at);
  return at !== null && at > now ? words.text("next_free", { time: moment(words, at, now) }) : "";
}

function contradictions(row, words) {
  const texts = row.inconsistencies.map((code) => {
    if (code === "occupied_over_total") return words.text("inconsistent_capacity", row);
    return words.text(code === "staffed_over_total" ? "inconsistent_staff" : "inconsistent");
  });
  return [...new Set(texts)].join(", ");
}

// The parts a source told of; what it did not tell is left out rather than called 0.
function counts(row, words) {
  const parts = ["total", "staffed", "occupied", "reserved", "closed"].map((name) => [
    name,
    row[name],
  ]);
  parts.push(["held", row.held || null]);
  return parts
    .filter(([, n]) => n !== null)
    .map(([name, n]) => words.text(`count_${name}`, { n }))
    .join(", ");
}

function names(codes, words) {
  return codes.map((code) => words.abilities[code] ?? code).join(", ");
}
