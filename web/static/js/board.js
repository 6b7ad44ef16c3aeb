// The units on the page: rows by unit id, patched in place. Nothing is ever reordered, and the row
// that holds the focus is never taken away under it.

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
    const all = [...this.#units.values()].map((unit) => unit.row);
    const total = document.querySelector('[data-total-of="all"]');
    if (total) fillSlots(total, totalShown(all, now, this.#words));
    const names = document.querySelector("[data-stale-names]");
    if (names) fillSlot(names, staleNames(texts, this.#words));
    this.#paintStatus();
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

  #paintStatus() {
    const status = document.querySelector("[data-status]");
    if (!status) return;
    const units = this.#groups.flatMap((group) => group.units);
    const seen = units.filter((unit) => !unit.element.hidden).length;
    const values = { shown: seen, all: units.length };
    const text = this.#filters.chosen ? this.#words.text("filter_status", values) : "";
    if (status.textContent !== text) status.textContent = text;
  }
}

class UnitElement {
  #mark;
  #age;
  #phone;

  constructor(element) {
    this.element = element;
    this.row = JSON.parse(element.dataset.row);
    this.serves = element.dataset.serves.split(" ").filter(Boolean);
    this.#mark = element.querySelector(".mark use");
    this.#age = element.querySelector('[data-slot="age"]');
    this.#phone = element.querySelector("a.phone");
  }

  hide(hidden) {
    setHidden(this.element, hidden);
  }

  fill(texts) {
    const { dataset } = this.element;
    if (dataset.mark !== texts.mark) {
      dataset.mark = texts.mark;
      this.#mark.setAttribute("href", `#mark-${texts.mark}`);
    }
    if (dataset.freshness !== texts.freshness) dataset.freshness = texts.freshness;
    if (this.#age.title !== texts.observed) this.#age.title = texts.observed;
    if (this.#age.getAttribute("datetime") !== texts.observed_at) {
      this.#age.setAttribute("datetime", texts.observed_at);
    }
    if (this.#phone) this.#dial(this.row.phone ?? "");
    fillSlots(this.element, texts);
  }

  #dial(phone) {
    const digits = phone.replace(/\D/g, "");
    const abroad = phone.trim().startsWith("+") ? "+" : digits.length === 8 ? "+45" : "";
    const href = `tel:${abroad}${digits}`;
    if (this.#phone.getAttribute("href") !== href) this.#phone.setAttribute("href", href);
    setHidden(this.#phone, !phone);
  }
}

function fillSlots(element, texts) {
  for (const slot of element.querySelectorAll("[data-slot]")) {
    fillSlot(slot, texts[slot.dataset.slot]);
  }
}

// What has nothing to say is hidden, and in a list of terms its term too.
function fillSlot(slot, text) {
  if (slot.textContent !== text) slot.textContent = text;
  setHidden(slot.tagName === "DD" ? slot.parentElement : slot, text === "");
}

function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

// As a unit without any report: what the catalogue says of it stays, everything told is gone.
function unknown(row) {
  const blank = Object.fromEntries(Object.keys(row).map((name) => [name, null]));
  const kept = Object.fromEntries(FROM_CATALOGUE.map((name) => [name, row[name]]));
  return {
    ...blank,
    ...kept,
    held: 0,
    state: "unknown",
    inconsistencies: [],
    capabilities: [...row.capabilities, ...row.capabilities_off],
    capabilities_off: [],
    reopens_itself: false,
  };
}

const FROM_CATALOGUE = ["unit", "name", "kind", "organisation", "municipality", "phone"];
