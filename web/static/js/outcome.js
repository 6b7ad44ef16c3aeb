// What came of a call, in one click: the click saves. The reason is a second click, and everything
// can be corrected for an hour from the list of the latest.

import { setHidden, setOff, setText } from "./dom.js";
import { Latest } from "./latest.js";
import { say } from "./say.js";
import { newId, send } from "./send.js";
import { isLive } from "./shown.js";

const LONGEST = 7200; // seconds; a call that took longer was not timed, but forgotten

export class Outcome {
  #box;
  #words;
  #clock;
  #memory;
  #filters;
  #holds;
  #alternatives;
  #board;
  #address;
  #latest;
  #onLogged;
  #unsaved = null;
  #busy = false;

  // onLogged() is called when the call is over.
  constructor({ dock, cluster, words, clock, memory, filters, holds, alternatives, board, onLogged }) {
    this.#box = dock.querySelector("[data-outcome-now]");
    this.#words = words;
    this.#clock = clock;
    this.#memory = memory;
    this.#filters = filters;
    this.#holds = holds;
    this.#alternatives = alternatives;
    this.#board = board;
    this.#address = `/api/v1/outcomes/${cluster}`;
    this.#onLogged = onLogged;
    const reasons = JSON.parse(dock.querySelector("[data-outcomes]").dataset.outcomes);
    this.#latest = new Latest({
      dock,
      words,
      clock,
      memory,
      board,
      reasons,
      correct: (id, value) => this.#correct(id, value),
    });
    this.#box.addEventListener("click", (event) => this.#click(event));
    this.time();
  }

  // The call begins with the first touch of the need, and ends with its outcome.
  time() {
    if (!this.#filters.chosen) this.#memory.set("started", null);
    else if (!this.#memory.get("started", null)) this.#memory.set("started", this.#clock.now());
  }

  focus() {
    this.#box.querySelector("button")?.focus();
  }

  paint() {
    const { name } = this.#chosen ?? {};
    setHidden(this.#box, !this.#filters.chosen && !this.#pending.length);
    const first = this.#box.querySelector('[data-outcome="alternative"]');
    const key = name ? "outcome_alternative_at" : "outcome_alternative";
    setText(first, this.#words.text(key, { name }));
    const lost = document.body.dataset.link === "lost";
    for (const button of this.#box.querySelectorAll("button")) setOff(button, lost, "off-link");
    this.#latest.paint();
  }

  // Own holds of which no outcome has told yet.
  get #pending() {
    const told = new Set(this.#memory.get("told", []));
    const own = this.#holds.own.filter((hold) => isLive(hold) || hold.state === "filled");
    return own.filter((hold) => !told.has(hold.id));
  }

  // What a click on "alternative" would log: the hold's unit, else the alternative that was last
  // touched, else the first that is a yes. The button names it.
  get #chosen() {
    const [hold] = this.#pending;
    if (hold) return { unit: hold.unit, hold: hold.id, name: this.#nameOf(hold.unit), need: hold.need };
    if (!this.#filters.chosen) return null;
    const declined = this.#holds.own.filter(({ state }) => state === "declined");
    const refused = new Set([...declined, ...this.#holds.notices].map(({ unit }) => unit));
    const { touched, all } = this.#alternatives;
    const first = all.find((item) => item.verdict === "yes" && !refused.has(item.unit));
    const item = touched && !refused.has(touched.unit) ? touched : first;
    return item ? { unit: item.unit, hold: null, name: item.name } : null;
  }

  #nameOf(unit) {
    return this.#board.row(unit)?.name ?? unit;
  }

  #click(event) {
    const button = event.target.closest("[data-outcome]");
    if (!button || this.#busy) return;
    if (button.getAttribute("aria-disabled") === "true") say(this.#words.text("off_link"));
    else this.#log(button.dataset.outcome);
  }

  async #log(outcome) {
    const chosen = this.#chosen;
    const alternative = outcome === "alternative";
    if (alternative && !chosen) {
      say(this.#words.text("outcome_which"));
      return;
    }
    const value = {
      outcome,
      reason: null,
      unit: alternative ? chosen.unit : null,
      hold: alternative ? chosen.hold : null,
      need: this.#filters.need ?? chosen?.need ?? null,
      took_seconds: this.#took(),
    };
    // Pressed again after silence, the same words go under the same id.
    const same = this.#unsaved?.outcome === outcome && this.#unsaved.unit === value.unit;
    const request = same ? this.#unsaved : { outcome, unit: value.unit, id: newId(), value };
    this.#busy = true;
    const answer = await send("POST", this.#address, { body: request.value, id: request.id });
    this.#busy = false;
    if (answer.status !== 201 && answer.status !== 200) {
      this.#unsaved = request;
      say(this.#failure(answer), { stay: true });
      return;
    }
    this.#unsaved = null;
    this.#logged(answer.body.outcome);
  }

  #logged(outcome) {
    const told = this.#pending.map((hold) => hold.id);
    this.#memory.set("told", [...this.#memory.get("told", []), ...told].slice(-50));
    this.#memory.set("started", null);
    this.#latest.add(outcome);
    this.#onLogged();
    this.paint();
    this.#latest.focus();
    const word = this.#words.text(`outcome_${outcome.outcome}`);
    say(this.#words.text("outcome_logged", { outcome: word }));
  }

  #took() {
    const started = this.#memory.get("started", null);
    if (!started) return null;
    return Math.min(LONGEST, Math.max(0, Math.round((this.#clock.now() - started) / 1000)));
  }

  async #correct(id, value) {
    const url = `${this.#address}/${encodeURIComponent(id)}/correct`;
    const answer = await send("POST", url, { body: value });
    if (answer.status === 200) {
      const { outcome } = answer.body;
      const word = this.#words.text(`outcome_${outcome.outcome}`);
      say(this.#words.text("outcome_corrected", { outcome: word }));
      return outcome;
    }
    const late = answer.status === 409;
    say(late ? this.#words.text("outcome_too_late") : this.#failure(answer), { stay: true });
    return null;
  }

  #failure({ status }) {
    if (status === 401) return this.#words.text("fail_signed_out");
    if (status === 403) return this.#words.text("fail_forbidden");
    if (status === 0 || status >= 500) return this.#words.text("outcome_unsaved");
    return this.#words.text("fail_other", { status });
  }
}
