// The alarm of a wall screen: nobody sits before it, so it must not be missed. It says the worst
// that is true in one or two words, and since when; the style sheet makes it large and grey.

import { age, moment } from "./times.js";

const WORST_FIRST = ["refused", "link", "frozen", "clock"];

export class Alarm {
  #words;
  #clock;
  #sound;
  #title = document.title;
  #on = new Set();
  #shown = null;
  #figuresFrom;
  #since = null;
  #part = (name) => document.querySelector(`[data-${name}]`);

  // `clock` is the server's; `sound` has start() and stop().
  constructor(words, clock, sound) {
    this.#words = words;
    this.#clock = clock;
    this.#sound = sound;
    this.#figuresFrom = clock.now();
  }

  // A frame came from a server that has its store.
  heard() {
    this.#figuresFrom = this.#clock.now();
  }

  set(reason, on) {
    if (on) this.#on.add(reason);
    else this.#on.delete(reason);
    const worst = WORST_FIRST.find((each) => this.#on.has(each)) ?? null;
    if (worst === this.#shown) return;
    if (worst && !this.#shown) {
      this.#since = performance.now();
      this.#sound.start();
    }
    if (!worst) this.#sound.stop();
    this.#shown = worst;
    this.#paint();
    this.tick();
  }

  // How long it has lasted, outside of what is announced.
  tick() {
    const lasted = this.#shown ? (performance.now() - this.#since) / 1000 : 0;
    const long = lasted >= 60;
    const text = long ? this.#words.text("alarm_for", { age: age(this.#words, lasted) }) : "";
    const slot = this.#part("alarm-for");
    if (slot.textContent !== text) slot.textContent = text;
  }

  #paint() {
    const reason = this.#shown;
    const word = reason ? this.#words.text(`alarm_${reason}`) : "";
    document.body.dataset.alarm = reason ?? "none";
    document.title = word ? `${word} – ${this.#title}` : this.#title;
    this.#part("alarm-word").textContent = word;
    this.#part("alarm-text").textContent = reason ? this.#why(reason) : "";
    this.#part("lost").hidden = !reason;
  }

  #why(reason) {
    if (reason === "clock") return this.#words.text("alarm_clock_why");
    const time = moment(this.#words, this.#figuresFrom, this.#clock.now());
    return this.#words.text(reason === "refused" ? "alarm_sign_in" : "alarm_figures_from", { time });
  }
}
