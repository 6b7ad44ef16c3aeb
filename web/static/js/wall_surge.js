// The cluster's surge level in large. Mirror of surge_shown in web/pages/wall.py.

import { fillSlots, setAttribute, setHidden } from "./dom.js";
import { instant, moment } from "./times.js";

export function showSurge(surge, words, now) {
  const box = document.querySelector("[data-surge]");
  const texts = surgeShown(surge, words, now);
  fillSlots(box, texts);
  setAttribute(box, "data-surge", texts.level);
  setHidden(box, texts.level === "");
}

export function surgeShown(surge, words, now) {
  if (surge.computed === null && !surge.override) {
    return { level: "", surge_word: "", surge_line: "" };
  }
  return {
    level: String(surge.level),
    surge_word: words.text(`surge_level_${surge.level}`),
    surge_line: line(surge, words, now),
  };
}

function line({ override, unknown_since: unknown, since }, words, now) {
  const said = (key, at) => words.text(key, { time: moment(words, instant(at), now) });
  if (override) return said("surge_wall_override", override.until);
  if (unknown) return said("surge_wall_unknown", unknown);
  return since ? said("surge_since", since) : "";
}
