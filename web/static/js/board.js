// The units on the page: rows by unit id, patched in place. Nothing is ever reordered, and the row
// that holds the focus is never taken away under it.

import { dial, fillSlot, fillSlots, setAttribute, setHidden, setMark, setOff, setText } from "./dom.js";
import { shown } from "./shown.js";
import { staleNames, totalShown } from "./totals.js";

export class Board {
  #words;
  #clock;
  #filters;
  #onError;
  #units = new Map();
  #groups;
  #waiting = false;

  constructor({ words, clock, filters, onError }) {
    this.#words = words;
    this.#clock = clock;
    this.#filters = filters;
    this.#onError = onError;
    for (const element of document.querySelectorAll("[data-unit]")) {
      this.#units.set(element.dataset.unit, new UnitElement(element));
    }
    this.#groups = [...document.querySelectorAll("[data-group]")].map((element) => ({
      element,
      units: [...element.querySelectorAll("[data-unit]")].map((unit) =>
        this.#units.get(unit.dataset.unit),
      ),
    }));
  }

  // Rows of units that this page does not have (the catalogue grew) wait for the next page load.
  apply(rows) {
    for (const row of rows) {
      const unit = this.#units.get(row.unit);
      if (unit) unit.row = row;
    }
    this.paint();
  }

  // A unit that a snapshot does not mention is unknown; it does not vanish.
  replace(rows) {
    const told = new Set(rows.map((row) => row.unit));
    for (const [id, unit] of this.#units) if (!told.has(id)) unit.row = unknown(unit.row);
    this.apply(rows);
  }

  // Every row as it was last told.
  get rows() {
    return [...this.#units.values()].map((unit) => unit.row);
  }

  row(id) {
    return this.#units.get(id)?.row;
  }

  // How many rows the choice leaves, in words; nothing where it leaves all.
  get count() {
    return this.#counted(({ row, serves }) => this.#filters.accepts(row, serves));
  }

  // At most once per frame of the screen, however many rows came; not at all while out of sight.
  paint() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      try {
        this.#paintAll(this.#clock.now());
      } catch (error) {
        this.#onError(error);
      }
    });
  }

  #paintAll(now) {
    const texts = [...this.#units.values()].map((unit) => {
      const said = shown(unit.row, now, this.#words);
      unit.fill(said);
      return said;
    });
    for (const group of this.#groups) this.#paintGroup(group, now);
    const total = document.querySelector('[data-total-of="all"]');
    if (total) fillSlots(total, totalShown(this.rows, now, this.#words));
    const names = document.querySelector("[data-stale-names]");
    if (names) fillSlot(names, staleNames(texts, this.#words));
    const count = document.querySelector("[data-filter-status]");
    if (count) setText(count, this.#counted((unit) => !unit.element.hidden));
  }

  #counted(seen) {
    if (!this.#filters.filtering) return "";
    const units = this.#groups.flatMap((group) => group.units);
    const values = { shown: units.filter(seen).length, all: units.length };
    return this.#words.text("filter_status", values);
  }

  #paintGroup({ element, units }, now) {
    for (const unit of units) {
      const keep = unit.element.contains(document.activeElement);
      unit.hide(!keep && !this.#filters.accepts(unit.row, unit.serves));
    }
    const seen = units.filter((unit) => !unit.element.hidden);
    const total = element.querySelector("[data-total-of]");
    fillSlots(total, totalShown(seen.map((unit) => unit.row), now, this.#words));
    setHidden(element, Boolean(this.#filters.municipality) && !seen.length);
    const empty = element.querySelector("[data-empty]");
    if (empty) setHidden(empty, seen.length > 0);
  }
}

class UnitElement {
  #mark;
  #age;
  #phone;
  #hold;

  constructor(element) {
    this.element = element;
    this.row = JSON.parse(element.dataset.row);
    this.serves = element.dataset.serves.split(" ").filter(Boolean);
    this.#mark = element.querySelector(".mark use");
    this.#age = element.querySelector('[data-slot="age"]');
    this.#phone = element.querySelector("a.phone");
    this.#hold = element.querySelector("button.hold");
  }

  hide(hidden) {
    setHidden(this.element, hidden);
  }

  fill(texts) {
    const { dataset } = this.element;
    if (dataset.mark !== texts.mark) dataset.mark = texts.mark;
    setMark(this.#mark, texts.mark);
    if (dataset.freshness !== texts.freshness) dataset.freshness = texts.freshness;
    if (dataset.canHold !== texts.hold) dataset.canHold = texts.hold;
    setAttribute(this.#age, "title", texts.observed);
    setAttribute(this.#age, "datetime", texts.observed_at);
    if (this.#phone) dial(this.#phone, this.row.phone);
    if (this.#hold) {
      const lost = document.body.dataset.link === "lost";
      setOff(this.#hold, lost || texts.hold !== "yes", lost ? "off-link" : null);
    }
    fillSlots(this.element, texts);
  }
}

// As a unit without any report: what the catalogue says of it stays, everything told is gone.
function unknown(row) {
  const blank = Object.fromEntries(Object.keys(row).map((name) => [name, null]));
  const kept = Object.fromEntries(FROM_CATALOGUE.map((name) => [name, row[name]]));
  return {
    ...blank,
    ...kept,
    held: 0,
    holds: [],
    state: "unknown",
    inconsistencies: [],
    capabilities: [...row.capabilities, ...row.capabilities_off],
    capabilities_off: [],
    reopens_itself: false,
  };
}

const FROM_CATALOGUE = ["unit", "name", "kind", "organisation", "municipality", "phone"];
