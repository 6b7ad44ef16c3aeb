// One finding of the rules in words. Mirror of web/pages/why.py: a test compares them.

import { instant, moment } from "./times.js";

const INSTANTS = ["opens_at", "closes_at", "reopens_at", "next_free_at", "observed_at", "at", "from"];

export function why(words, reason, now) {
  const { code } = reason;
  if (code === "free") return words.count("why_free", reason.n);
  if (code === "all_held") return words.count("why_all_held", reason.held);
  const values = Object.fromEntries(Object.entries(reason).filter(([, value]) => value !== null));
  const told = INSTANTS.filter((key) => key in values);
  for (const key of told) values[key] = moment(words, instant(values[key]), now);
  for (const key of ["minutes", "within"]) {
    if (key in values) values[key] = length(words, values[key]);
  }
  if (code === "disputed") Object.assign(values, otherWord(words, reason));
  if ("capabilities" in values) {
    values.capabilities = values.capabilities.map((name) => words.abilities[name] ?? name).join(", ");
  }
  if (code.startsWith("travel")) {
    values.way = values.minutes ?? words.text("way_km", { km: Math.floor(values.km + 0.5) });
  }
  if ("per" in values) values.per = words.text(`per_${values.per}`);
  const counted = code === "agreement" && "per" in values ? "_counted" : "";
  return words.text(`why_${code}${counted}${told.length ? "_when" : ""}`, values);
}

// Whole hours as such, anything else in minutes.
function length(words, minutes) {
  return minutes && minutes % 60 === 0
    ? words.text("age_hours", { n: minutes / 60 })
    : words.text("minutes", { n: minutes });
}

function otherWord(words, reason) {
  const who = words.text(reason.source === "nurse" ? "disputed_nurse" : "disputed_feed");
  if (reason.state === "closed") return { who, what: words.text("disputed_closed") };
  if (reason.free === null) return { who, what: words.text("disputed_unknown") };
  return { who, what: words.count("why_free", reason.free) };
}
