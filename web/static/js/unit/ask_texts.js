// What is said of a hold: who asks, for what need, and how long there is.

import { instant, moment } from "../times.js";

// The need in short lines; never anything about a person beyond where they live.
export function needLines({ need }, words, config) {
  if (!need) return [words.text("unit_ask_no_need")];
  const lines = [];
  const { municipality, where, within_minutes: within, capabilities = [] } = need;
  if (municipality) {
    const name = config.municipalities[municipality] ?? municipality;
    lines.push(words.text("unit_ask_lives", { name }));
  }
  if (where === "home") lines.push(words.text("unit_ask_home"));
  if (where === "place") lines.push(words.text("unit_ask_place"));
  if (within) lines.push(soon(within, words));
  lines.push(...capabilities.map((code) => config.abilities[code] ?? code));
  return lines.length ? lines : [words.text("unit_ask_no_need")];
}

export function askedBy(hold, words, config) {
  const name = config.organisations[hold.by?.organisation];
  return name ? words.text("unit_ask_from", { name }) : words.text("unit_ask_title");
}

// How long there is, as it counts down.
export function clockLine(hold, now, words) {
  const ends = instant(hold.expires_at);
  if (hold.state === "accepted") {
    return words.text("unit_ask_ends_at", { time: moment(words, ends, now) });
  }
  const answerBy = instant(hold.answer_by);
  if (answerBy !== null && now < answerBy) {
    return words.text("unit_ask_answer_in", { time: countdown(answerBy - now) });
  }
  const left = words.text("unit_ask_ends_in", { time: countdown(Math.max(0, ends - now)) });
  return `${words.text("unit_ask_they_ring")} · ${left}`;
}

function soon(minutes, words) {
  if (minutes % 60 === 0) return words.count("unit_ask_soon_hours", minutes / 60);
  return words.text("unit_ask_soon_minutes", { n: minutes });
}

function countdown(millis) {
  const seconds = Math.ceil(millis / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
