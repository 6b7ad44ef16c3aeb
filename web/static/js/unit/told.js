// The line at the foot of the page: what became of the last tap, and for a while a way back.

import { setHidden, setText } from "../dom.js";

const WAY_BACK = 15_000; // milliseconds that "undo" is offered

export class Told {
  #box = document.querySelector("[data-told]");
  #status = document.querySelector("[data-status]");
  #undo = document.querySelector("[data-undo]");
  #way = null;
  #until = 0;

  constructor() {
    this.#undo.addEventListener("click", () => {
      const way = this.#way;
      this.#offer(null);
      document.querySelector("#unit").focus({ preventScroll: true });
      way?.();
    });
  }

  // Says it; `way` is called if it is to be taken back (undefined: leave what is offered).
  say(text, way) {
    setText(this.#status, text);
    setHidden(this.#box, text === "");
    if (way !== undefined) this.#offer(way);
    else if (this.#way) this.#until = performance.now() + WAY_BACK;
  }

  // A way back that has the focus is not taken away under it.
  tick() {
    const held = this.#undo === document.activeElement;
    if (this.#way && performance.now() > this.#until && !held) this.#offer(null);
  }

  #offer(way) {
    this.#way = way;
    this.#until = performance.now() + WAY_BACK;
    this.#undo.hidden = !way;
  }
}
