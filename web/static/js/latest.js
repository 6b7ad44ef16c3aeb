// The outcomes of the last hour: a reason in one click, and a correction of anything in two.

import { blank, fillSlots, setHidden, setText } from "./dom.js";
import { clock as timeOfDay, instant } from "./times.js";

const MOST = 8;
const CODES = ["alternative", "admitted_despite_free", "admitted_none_free", "other"];
const VALUE = ["outcome", "reason", "unit", "hold", "need", "took_seconds"];

export class Latest {
  #box;
  #list;
  #words;
  #clock;
  #memory;
  #board;
  #reasons;
  #correct;
  #elements = new Map();

  // correct(id, value) resolves to the outcome as it then stands, or to null.
  constructor({ dock, words, clock, memory, board, reasons, correct }) {
    this.#box = dock.querySelector("[data-latest]");
    this.#list = dock.querySelector("[data-latest-list]");
    this.#words = words;
    this.#clock = clock;
    this.#memory = memory;
    this.#board = board;
    this.#reasons = reasons;
    this.#correct = correct;
    this.#list.addEventListener("click", (event) => this.#click(event));
    this.#list.addEventListener("change", (event) => this.#change(event));
    this.#list.addEventListener("submit", (event) => this.#submit(event));
  }

  // The newest one stands open: its reason is the next click, or none.
  add(outcome) {
    this.#keep([outcome, ...this.#outcomes]);
    this.#box.open = this.#reasons[outcome.outcome].length > 0;
    this.paint();
  }

  focus() {
    this.#box.querySelector("summary").focus();
  }

  paint() {
    const now = this.#clock.now();
    const shown = this.#outcomes.filter(
      ({ id, correctable_until }) =>
        now < instant(correctable_until) ||
        this.#elements.get(id)?.contains(document.activeElement),
    );
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, element] of this.#elements) {
      if (ids.has(id)) continue;
      element.remove();
      this.#elements.delete(id);
    }
    const keep = this.#box.contains(document.activeElement);
    setHidden(this.#box, shown.length === 0 && !keep);
    const title = this.#words.text("outcomes_latest", { n: shown.length });
    setText(this.#box.querySelector("summary"), title);
    shown.forEach((outcome, at) => this.#paintOne(outcome, at));
  }

  get #outcomes() {
    return this.#memory.get("outcomes", []);
  }

  #keep(outcomes) {
    this.#memory.set("outcomes", outcomes.slice(0, MOST));
  }

  #paintOne(outcome, at) {
    let element = this.#elements.get(outcome.id);
    if (!element) {
      element = this.#made(outcome);
      this.#elements.set(outcome.id, element);
      this.#list.insertBefore(element, this.#list.children[at] ?? null);
    }
    const state = JSON.stringify(VALUE.map((name) => outcome[name]));
    if (element.dataset.state === state) return;
    element.dataset.state = state;
    fillSlots(element, { what: this.#what(outcome) });
    this.#paintReasons(element, outcome);
    this.#paintForm(element, outcome);
  }

  #what({ at, outcome, unit, reason }) {
    const parts = [
      this.#words.text("today", { clock: timeOfDay(this.#words, instant(at)) }),
      this.#words.text(`outcome_${outcome}`),
    ];
    if (unit) parts.push(this.#nameOf(unit));
    if (reason) parts.push(this.#reasonWord(reason));
    return parts.join(" · ");
  }

  #paintReasons(element, { outcome, reason }) {
    const box = element.querySelector("[data-reasons]");
    const codes = this.#reasons[outcome];
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.reason : null;
    setHidden(box, codes.length === 0);
    box.replaceChildren(
      ...codes.map((code) => {
        const item = blank("reason");
        const button = item.querySelector("button");
        button.dataset.reason = code;
        button.textContent = this.#reasonWord(code);
        button.setAttribute("aria-pressed", String(code === reason));
        return item;
      }),
    );
    if (focused) box.querySelector(`[data-reason="${focused}"]`)?.focus();
  }

  #paintForm(element, { outcome, unit }) {
    const form = element.querySelector("form");
    form.outcome.replaceChildren(
      ...CODES.map((code) => new Option(this.#words.text(`outcome_${code}`), code)),
    );
    form.outcome.value = outcome;
    const units = this.#board.rows.map((row) => new Option(row.name, row.unit));
    form.unit.replaceChildren(...units);
    if (unit) form.unit.value = unit;
    this.#showUnit(form);
  }

  #showUnit(form) {
    setHidden(form.unit.closest("label"), form.outcome.value !== "alternative");
  }

  #made({ id }) {
    const element = blank("latest");
    element.dataset.logged = id;
    return element;
  }

  #change(event) {
    const form = event.target.closest("form");
    if (form) this.#showUnit(form);
  }

  #click(event) {
    const button = event.target.closest("[data-reason]");
    if (!button) return;
    const id = button.closest("[data-logged]").dataset.logged;
    const pressed = button.getAttribute("aria-pressed") === "true";
    this.#amend(id, { reason: pressed ? null : button.dataset.reason });
  }

  #submit(event) {
    event.preventDefault();
    const form = event.target;
    const id = form.closest("[data-logged]").dataset.logged;
    const outcome = form.outcome.value;
    const alternative = outcome === "alternative";
    const before = this.#outcomes.find((each) => each.id === id);
    const unit = alternative ? form.unit.value : null;
    const changed = { outcome, unit, reason: null };
    if (this.#reasons[outcome].includes(before.reason)) changed.reason = before.reason;
    if (unit !== before.unit) changed.hold = null;
    this.#amend(id, changed);
  }

  async #amend(id, changed) {
    const before = this.#outcomes.find((each) => each.id === id);
    const value = Object.fromEntries(VALUE.map((name) => [name, before[name]]));
    const after = await this.#correct(id, { ...value, ...changed });
    if (!after) return;
    this.#keep(this.#outcomes.map((each) => (each.id === id ? after : each)));
    this.paint();
  }

  #nameOf(unit) {
    return this.#board.row(unit)?.name ?? unit;
  }

  #reasonWord(code) {
    return this.#words.text(`reason_${code}`);
  }
}
