// Says whether the figures are live. A lost link is an alert, once; the countdown is beside it.

import { linkIsLive, linkIsLost } from "./signed_out.js";
import { moment } from "./times.js";

export class Link {
  #words;
  #clock;
  #figuresFrom;
  #state = { name: "none" };
  #title = document.title;
  #part = (name) => document.querySelector(`[data-${name}]`);

  constructor(words, clock) {
    this.#words = words;
    this.#clock = clock;
    this.#figuresFrom = clock.now();
  }

  heard() {
    this.#figuresFrom = this.#clock.now();
  }

  show(state) {
    const same = state.name === this.#state.name && !state.ended === !this.#state.ended;
    this.#state = state;
    if (state.name === "lost") linkIsLost(Boolean(state.ended));
    else if (state.name === "live" && !same) linkIsLive();
    if (!same) this.#paint();
    this.tick();
  }

  #paint() {
    const lost = this.#state.name === "lost";
    const word = this.#words.text(`link_${this.#state.name}`);
    document.body.dataset.link = this.#state.name;
    document.title = lost ? `${word} – ${this.#title}` : this.#title;
    this.#part("link-word").textContent = word;
    this.#part("lost").hidden = !lost;
    const time = moment(this.#words, this.#figuresFrom, this.#clock.now());
    const key = this.#state.ended ? "link_refused" : "link_alert";
    this.#part("alert").textContent = lost ? this.#words.text(key, { time }) : "";
  }

  tick() {
    const { name, retryAt } = this.#state;
    let text = "";
    if (name === "lost" && retryAt !== undefined) {
      const left = Math.ceil((retryAt - performance.now()) / 1000);
      text = left > 0 ? this.#words.count("link_retry", left) : this.#words.text("link_retrying");
    }
    const slot = this.#part("retry");
    if (slot.textContent !== text) slot.textContent = text;
  }
}
