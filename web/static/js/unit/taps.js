// The buttons, and what each of them says. `act(body)` sends it; `row()` is what stands.

import { instant } from "../times.js";
import { askClosing } from "./closing.js";
import { fits } from "./texts.js";

const MINUTE = 60_000;
const one = (selector) => document.querySelector(selector);

export class Taps {
  #words;
  #config;
  #moment;
  #row;
  #act;

  constructor({ words, config, moment, row, act }) {
    this.#words = words;
    this.#config = config;
    this.#moment = moment;
    this.#row = row;
    this.#act = act;
    document.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("change", (event) => this.#change(event));
    one("[data-number] form").addEventListener("submit", () => this.#typed());
  }

  // What a body says, in a few words.
  describe(body) {
    const words = this.#words;
    if ("confirm" in body) return words.text("unit_said_confirm");
    if ("capabilities_off" in body) return words.text("unit_said_abilities");
    if (body.close) {
      return words.text("unit_said_close", { reason: this.#config.reason_names[body.close.reason] });
    }
    if ("on_duty" in body) return this.#describeDuty(body);
    return body.free === undefined ? words.text("unit_said_open") : this.#counted(body.free);
  }

  #describeDuty({ on_duty: onDuty, free, next_free_at: next }) {
    const words = this.#words;
    if (this.#config.type === "advice") {
      return words.text(onDuty ? "unit_said_line_open" : "unit_said_line_shut");
    }
    if (!onDuty) return words.text("unit_said_off_duty");
    if (next) return words.text("unit_said_busy", { time: this.#moment.told(instant(next)) });
    const duty = words.text("unit_said_on_duty");
    return free === undefined ? duty : `${duty}, ${this.#counted(free)}`;
  }

  #counted(free) {
    return `${free} ${this.#words.count("total_free", free)}`;
  }

  #click(event) {
    const button = event.target.closest("button");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    const { dataset } = button;
    if ("free" in dataset) this.#free(Number(dataset.free));
    else if ("moreNumbers" in dataset) this.#type();
    else if ("tooManyDo" in dataset) this.#anyway(button);
    else if ("confirm" in dataset) this.#act({ confirm: true });
    else if ("openAgain" in dataset) this.#act({ open: true });
    else if ("line" in dataset) this.#act({ on_duty: dataset.line === "open" });
    else if ("offDuty" in dataset) this.#act({ on_duty: false });
    else if ("busy" in dataset) this.#busy(Number(dataset.busy));
    else if ("close" in dataset) askClosing(this.#words, this.#moment, this.#act);
    else if ("settle" in dataset) this.#settle(dataset.settle);
    else if ("back" in dataset) button.closest("dialog").close();
  }

  #change({ target }) {
    if (!("off" in target.dataset)) return;
    const boxes = [...document.querySelectorAll("input[data-off]")];
    const off = boxes.filter((box) => box.checked).map((box) => box.dataset.off);
    this.#act({ capabilities_off: off });
  }

  // More than there is room for is asked about first; it is kept as said all the same.
  #free(n) {
    const row = this.#row();
    const room = row?.closure_reason ? null : fits(row, this.#config.places);
    if (room === null || n <= room) {
      this.#say(n);
      return;
    }
    const dialog = one("[data-too-many]");
    dialog.dataset.n = n;
    one("[data-too-many-text]").textContent = this.#words.text("unit_too_many", { n, fits: room });
    dialog.showModal();
  }

  #anyway(button) {
    const dialog = button.closest("dialog");
    dialog.close();
    this.#say(Number(dialog.dataset.n));
  }

  // To say a number of a unit that is closed or off duty is to open it.
  #say(free) {
    const row = this.#row();
    if (row?.on_duty === false && !row.closure_reason) this.#act({ on_duty: true, free });
    else if (row?.state === "closed") this.#act({ open: true, free });
    else this.#act({ free });
  }

  #type() {
    const input = one("#number");
    input.value = "";
    one("[data-number]").showModal();
    input.focus();
  }

  #typed() {
    const { value, validity } = one("#number");
    if (value !== "" && validity.valid) this.#free(Number(value));
  }

  #busy(minutes) {
    const next = new Date(this.#moment.now() + minutes * MINUTE).toISOString();
    this.#act({ on_duty: true, free: 0, next_free_at: next });
  }

  #settle(which) {
    const { disputed } = this.#row();
    if (which === "own") this.#act({ confirm: true });
    else if (disputed.state === "closed") askClosing(this.#words, this.#moment, this.#act);
    else if (disputed.free !== null) this.#free(disputed.free);
  }
}
