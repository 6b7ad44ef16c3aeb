// What the page says of one alternative at one moment. Mirror of alternative_shown in
// web/pages/calls.py: a test compares them.

import { age, instant } from "./times.js";
import { HOLDABLE, national } from "./shown.js";
import { why } from "./why.js";

const SHOWN_ELSEWHERE = new Set(["free", "travel", "ageing"]);

export function alternativeShown(item, now, words) {
  const at = instant(item.observed_at);
  const { kinds, municipalities } = words.names;
  const where = [municipalities[item.municipality] ?? item.municipality, kinds[item.kind] ?? item.kind];
  return {
    name: item.name,
    verdict: words.text(`verdict_${item.verdict}`),
    figure: figure(item, now, words),
    held: item.held ? words.count("held", item.held) : "",
    against: findings(item, now, words, (reason) => reason.verdict !== "yes"),
    reasons: findings(item, now, words, (reason) => reason.verdict === "yes"),
    place: where.join(" · "),
    travel: travel(item, words),
    age:
      at === null
        ? words.text("observed_never")
        : words.text("updated", { age: age(words, (now - at) / 1000) }),
    phone: national(item.phone),
    hold: HOLDABLE.includes(words.shapes[item.kind]) ? (item.holdable ? "yes" : "no") : "",
  };
}

function findings(item, now, words, wanted) {
  const told = item.reasons.filter((one) => wanted(one) && !SHOWN_ELSEWHERE.has(one.code));
  return told.map((reason) => why(words, reason, now)).join(" · ");
}

function figure(item, now, words) {
  const staleAt = instant(item.stale_at);
  if (staleAt === null) return words.text("state_unknown");
  if (now >= staleAt) return words.text("state_stale");
  if (item.state === "closed") return words.text("state_closed");
  if (item.free !== null) return words.count("free_count", item.free);
  if (item.state === "free") return words.text("state_open");
  return words.shapes[item.kind] === "load" ? "" : words.text("state_unknown");
}

function travel(item, words) {
  const parts = [];
  if (item.travel_minutes !== null) {
    parts.push(words.text("travel_minutes", { n: item.travel_minutes }));
  }
  if (item.distance_km !== null) {
    parts.push(words.text("distance", { n: Math.floor(item.distance_km + 0.5) }));
  }
  return parts.join(" · ");
}
