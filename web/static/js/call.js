// A call on the board page: need, alternatives, hold, answer, outcome, and what ties them together.

import { Alternatives } from "./alternatives.js";
import { isOff, setHidden } from "./dom.js";
import { Holds } from "./holds.js";
import { Memory } from "./memory.js";
import { Mine } from "./mine.js";
import { Keys, Seek } from "./need.js";
import { Outcome } from "./outcome.js";
import { say } from "./say.js";

export class Call {
  #words;
  #filters;
  #board;
  #alternatives;
  #holds;
  #mine;
  #outcome = null;
  #surge = null;
  #dock;

  constructor({ panel, words, clock, filters, board }) {
    const { cluster, account } = panel.dataset;
    const dock = document.querySelector("[data-dock]");
    const memory = new Memory(cluster);
    this.#words = words;
    this.#filters = filters;
    this.#board = board;
    const alternatives = new Alternatives({ panel, words, clock, filters });
    const onChange = () => this.paint();
    const rows = () => board.rows;
    this.#alternatives = alternatives;
    const holds = new Holds({ cluster, account, words, memory, clock, rows, onChange });
    this.#holds = holds;
    const onAsk = (unit, name) => this.#ask(unit, name);
    this.#mine = new Mine({ dock, words, clock, board, holds, alternatives, onAsk });
    if (dock.querySelector("[data-outcomes]")) {
      const onLogged = () => {
        holds.dismissEnded();
        filters.clear();
      };
      const parts = { dock, cluster, words, clock, memory, filters, holds, alternatives, board };
      this.#outcome = new Outcome({ ...parts, onLogged });
    }
    document.addEventListener("click", (event) => this.#click(event));
    this.#dock = dock;
    const fit = new ResizeObserver(fitPanel);
    fit.observe(panel.closest("main"));
    fit.observe(dock);
    const seek = new Seek(words, filters);
    new Keys(words, {
      b: () => seek.focus(),
      a: () => alternatives.focusFirst(),
      r: () => this.#holdHere(),
      v: () => this.#mine.firstNext?.click(),
      e: () => this.#mine.focus(),
      u: () => this.#outcome?.focus(),
    });
  }

  needChanged() {
    this.#alternatives.needChanged();
    this.#outcome?.time();
    this.paint();
  }

  rowsChanged() {
    this.#alternatives.refresh();
    this.#holds.refresh();
  }

  // Agreements may depend on the level.
  surgeIs(level) {
    if (level !== this.#surge && this.#surge !== null) this.#alternatives.refresh();
    this.#surge = level;
  }

  linkIs(live) {
    this.#alternatives.linkIs(live);
    this.paint();
  }

  paint() {
    if (!this.#mine) return; // a change before everything is there
    this.#alternatives.paint();
    this.#mine.paint();
    this.#outcome?.paint();
    const parts = [...this.#dock.querySelectorAll("[data-dock-part]")];
    setHidden(this.#dock, parts.every((part) => part.hidden));
  }

  #click(event) {
    const button = event.target.closest("button[data-ask]");
    if (button) this.#press(button);
  }

  // A button that is off says why, by the status as well: the press must not seem to be lost.
  #press(button) {
    const unit = button.closest("[data-unit], [data-alternative]").dataset;
    const id = unit.unit ?? unit.alternative;
    const name = this.#board.row(id)?.name ?? this.#alternatives.find(id)?.name ?? id;
    if (isOff(button)) say(this.#whyOff(id, name, unit.alternative !== undefined));
    else this.#ask(id, name);
  }

  #whyOff(id, name, inList) {
    if (document.body.dataset.link === "lost") return this.#words.text("off_link");
    if (inList && this.#alternatives.old) return this.#words.text("off_list");
    const row = this.#board.row(id);
    const mark = document.querySelector(`[data-unit="${id}"]`)?.dataset.mark;
    if (mark === "closed" || mark === "stale" || mark === "unknown" || mark === "occupied") {
      return this.#words.text(`hold_no_${mark}`, { name });
    }
    return this.#words.text(row?.free ? "hold_no_agreement" : "hold_no_not_holdable", { name });
  }

  #ask(unit, name) {
    this.#holds.ask(unit, name, this.#filters.need);
  }

  #holdHere() {
    const place = document.activeElement.closest("[data-unit], [data-alternative]");
    const button = place?.querySelector("button[data-ask]:not([hidden])");
    if (button) this.#press(button);
  }
}

// How far down the panel begins and how high the dock is, so that the panel ends between them.
function fitPanel() {
  const top = document.querySelector(".desk").getBoundingClientRect().top + scrollY;
  const { offsetHeight } = document.querySelector("[data-dock]");
  const { style } = document.documentElement;
  style.setProperty("--call-top", `${Math.round(top)}px`);
  style.setProperty("--dock", `${offsetHeight}px`);
}
