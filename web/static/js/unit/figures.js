// Paints what stands: the texts, which number is pressed, what can be pressed. Nothing moves that
// need not: texts are changed in place, and no button is taken away under a finger or the focus.

import { setHidden, setText } from "../dom.js";
import { emptyNow, isStale, padWord, promised, said } from "./texts.js";

const all = (selector) => [...document.querySelectorAll(selector)];
const one = (selector) => document.querySelector(selector);

export class Figures {
  #words;
  #config;
  #slots = all("main [data-slot]");
  #pad = all("[data-free]");
  #confirm = one("[data-confirm]");

  constructor(words, config) {
    this.#words = words;
    this.#config = config;
  }

  // `pending` is the action that waits for the server, if any.
  paint(row, now, pending) {
    const texts = said(row, now, this.#words, this.#config);
    for (const slot of this.#slots) {
      const text = texts[slot.dataset.slot] ?? "";
      setText(slot, text);
      setHidden(slot, text === "");
    }
    const { dataset } = document.body;
    if (dataset.mark !== texts.mark) dataset.mark = texts.mark;
    document.body.toggleAttribute("data-shut", Boolean(texts.shut));
    setText(this.#confirm, texts.confirm);
    setDisabled(this.#confirm, texts.confirm === "");
    this.#paintPad(row, now, pending, texts.shut);
    this.#paintRest(row, texts.shut, pending);
    this.#paintDispute(row, now);
  }

  // A number is pressed only while it is what stands and can be trusted.
  #paintPad(row, now, pending, shut) {
    const kept = promised(row);
    const stands = row && !shut && !isStale(row, now) ? emptyNow(row, now) : null;
    const waits = pending?.body.free;
    for (const button of this.#pad) {
      const n = Number(button.dataset.free);
      const pressed = String(stands === n);
      if (button.getAttribute("aria-pressed") !== pressed) {
        button.setAttribute("aria-pressed", pressed);
      }
      button.toggleAttribute("data-waits", waits === n);
      setText(button.querySelector("[data-pad-word]"), padWord(n, kept, this.#words));
    }
    const hint = one("[data-open-hint]");
    if (!hint) return;
    const off = row?.on_duty === false && !row.closure_reason;
    const text = shut ? this.#words.text(off ? "unit_on_duty_with" : "unit_open_again_with") : "";
    setText(hint, text);
    setHidden(hint, text === "");
  }

  #paintRest(row, shut, pending) {
    const label = one("[data-close-label]");
    const closed = Boolean(row?.closure_reason);
    setText(label, closed ? label.dataset.change : label.dataset.closeText);
    const open = one("[data-open-again]");
    if (open) setHidden(open, !shut);
    const off = pending?.body.capabilities_off ?? row?.capabilities_off ?? [];
    for (const box of all("input[data-off]")) {
      const checked = off.includes(box.dataset.off);
      if (box.checked !== checked) box.checked = checked;
    }
    const names = off.map((code) => this.#config.abilities[code] ?? code).join(", ");
    const slot = one("[data-off-names]");
    if (slot) setText(slot, names);
  }

  #paintDispute(row, now) {
    const dispute = row?.disputed ?? null;
    setHidden(one("[data-disputed]"), dispute === null);
    if (!dispute) return;
    const ours = row.source === "nurse";
    const standing = { free: emptyNow(row, now), state: row.state };
    this.#settle("own", ours ? "unit_disputed_own" : "unit_disputed_other", standing);
    this.#settle("other", ours ? "unit_disputed_other" : "unit_disputed_nurse", dispute);
  }

  #settle(which, key, { free, state }) {
    const closed = state === "closed";
    const counted = free === null ? this.#words.text("no_number") : this.#counted(free);
    const figure = closed ? this.#words.text("unit_figure_closed") : counted;
    setText(one(`[data-settle="${which}"]`), this.#words.text(key, { figure }));
  }

  #counted(free) {
    return `${free} ${this.#words.count("total_free", free)}`;
  }
}

// aria-disabled rather than disabled: a button that has the focus must not lose it.
function setDisabled(button, disabled) {
  const value = String(disabled);
  if (button.getAttribute("aria-disabled") !== value) button.setAttribute("aria-disabled", value);
}
