// Free acute places of a group, counted only where the figure can be trusted.
// Mirror of web/pages/totals.py and of stale_names in web/pages/board.py.

import { freshnessOf } from "./shown.js";

export function totalShown(rows, now, words) {
  const texts = { total: "", total_word: "", total_of: "", total_unknown: "" };
  const { free, of, unknown, units } = totalOf(rows, now);
  if (!units) return texts;
  const blind = unknown === units;
  texts.total = blind ? words.text("no_number") : String(free);
  texts.total_word = words.count("total_free", blind ? 0 : free);
  if (of && !blind) {
    texts.total_of = words.text("total_places", { n: of, places: words.count("places", of) });
  }
  if (unknown) texts.total_unknown = words.text("total_unknown", { n: unknown });
  return texts;
}

function totalOf(rows, now) {
  const total = { free: 0, of: 0, unknown: 0, units: 0 };
  for (const row of rows) {
    if (row.kind !== "acute_place") continue;
    total.units += 1;
    if (!trusted(row, now)) {
      total.unknown += 1;
    } else if (row.state === "closed") {
      continue;
    } else if (row.free === null) {
      total.unknown += 1;
    } else {
      total.free += row.free;
      total.of = row.total === null || total.of === null ? null : total.of + row.total;
    }
  }
  return total;
}

// By the mark of the texts of units, so that it can never count otherwise than the eye does.
export function staleNames(units, words) {
  const blind = units.filter(({ mark }) => mark === "stale" || mark === "unknown");
  const names = blind.map(({ name }) => name);
  return names.length ? words.count("stale_names", names.length, { names: names.join(", ") }) : "";
}

function trusted(row, now) {
  const freshness = freshnessOf(row, now);
  return freshness === "fresh" || freshness === "ageing";
}
