// The list of alternatives: rendered by the server first, asked for again when the need, the rows
// or the time has changed it, and patched in place. At most one question is under way, and others'
// changes cause at most one a second. Nothing moves under a focus or a finger: the order waits.

import { alternativeShown } from "./alternative.js";
import { blank, dial, fillSlots, setAttribute, setHidden, setMark, setOff, setText } from "./dom.js";
import { say } from "./say.js";
import { instant, moment } from "./times.js";

const EVERY = 1000; // milliseconds between questions that others' changes cause
const GATHER = 120; // one report seldom comes alone
const PATIENCE = 6000; // an answer that takes longer is no help to somebody on the phone
const RETRY_MAX = 15_000;
const AIMED = 1000; // a pointer that moved over the list so lately may be about to press
const LONGEST_TIMER = 2 ** 31 - 1;

export class Alternatives {
  #panel;
  #list;
  #words;
  #clock;
  #filters;
  #answer;
  #items = new Map();
  #live = false;
  #asking = null;
  #dirty = false;
  #own = false;
  #asked = 0;
  #failures = 0;
  #timer = 0;
  #recheck = 0;
  #pressed = false;
  #aimed = -AIMED;
  #waiting = false;
  #touched = null;

  constructor({ panel, words, clock, filters }) {
    this.#panel = panel;
    this.#words = words;
    this.#clock = clock;
    this.#filters = filters;
    this.#list = panel.querySelector("[data-list]");
    this.#answer = JSON.parse(panel.dataset.answer);
    for (const element of this.#list.children) this.#keep(element);
    this.#watchHands();
    panel.querySelector("[data-reorder]").addEventListener("click", () => this.#reorderNow());
    this.#awaitRecheck();
  }

  // Whether the list can be acted upon: not while it could not be renewed.
  get old() {
    return this.#failures > 0;
  }

  // The alternatives, best first.
  get all() {
    return this.#answer.alternatives;
  }

  // The one that was last looked at with the hand: where a link or button of it was used.
  get touched() {
    return this.#touched && this.find(this.#touched);
  }

  find(unit) {
    return this.all.find((item) => item.unit === unit);
  }

  // The best that can be held, without the units named.
  next(without, most) {
    const open = this.all.filter((item) => item.holdable && item.verdict !== "no");
    return open.filter((item) => !without.includes(item.unit)).slice(0, most);
  }

  focusFirst() {
    this.#list.querySelector("button, a[href]:not([hidden])")?.focus();
  }

  // A person changed the need: what is under way would answer another question.
  needChanged() {
    this.#own = true;
    this.#touched = null;
    setHidden(this.#panel.querySelector("[data-hint]"), this.#filters.chosen);
    setAttribute(this.#list, "aria-busy", "true");
    this.#asking?.abort();
    this.refresh();
  }

  // Something else changed: rows, the surge level, the time.
  refresh() {
    this.#dirty = true;
    this.#plan();
  }

  linkIs(live) {
    if (live === this.#live) return;
    this.#live = live;
    if (live) this.refresh();
  }

  paint() {
    const now = this.#clock.now();
    const lost = document.body.dataset.link === "lost";
    for (const item of this.all) {
      const { element } = this.#items.get(item.unit);
      const texts = alternativeShown(item, now, this.#words);
      setAttribute(element, "data-verdict", item.verdict);
      setMark(element.querySelector("use"), item.verdict);
      fillSlots(element, texts);
      dial(element.querySelector("a.phone"), item.phone);
      const hold = element.querySelector("button.hold");
      const why = lost ? "off-link" : this.old ? "list-old" : null;
      if (hold) {
        setOff(hold, why !== null || texts.hold !== "yes", why);
        setHidden(hold, texts.hold === "");
      }
    }
    this.#paintOld(now);
    this.#reorder();
  }

  #paintOld(now) {
    const line = this.#panel.querySelector("[data-list-old]");
    setHidden(line, !this.old);
    if (!this.old) return;
    const time = moment(this.#words, instant(this.#answer.server_time), now);
    setText(line, this.#words.text("list_old", { time }));
  }

  // --- asking -----------------------------------------------------------------------------------

  #plan() {
    if (!this.#live || this.#asking || !this.#dirty) return;
    const since = performance.now() - this.#asked;
    const pause = this.old ? Math.min(RETRY_MAX, EVERY * 2 ** this.#failures) : EVERY;
    const wait = this.#own ? 0 : Math.max(GATHER, pause - since);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), wait);
  }

  async #ask() {
    const asking = new AbortController();
    const impatience = setTimeout(() => asking.abort(), PATIENCE);
    const own = this.#own;
    this.#asking = asking;
    [this.#dirty, this.#own] = [false, false];
    this.#asked = performance.now();
    const answer = await fetched(`${this.#panel.dataset.alternatives}?${this.#filters.query}`, asking);
    clearTimeout(impatience);
    this.#asking = null;
    // Ours was let go because the need changed once more: the next question is planned already.
    if (!this.#own) {
      if (answer) this.#take(answer, own);
      else this.#fail(own);
    }
    this.#plan();
  }

  #fail(own) {
    this.#failures += 1;
    this.#dirty = true;
    if (own) setAttribute(this.#list, "aria-busy", null);
    this.paint();
  }

  #take(answer, own) {
    this.#failures = 0;
    this.#answer = answer;
    setAttribute(this.#list, "aria-busy", null);
    const told = new Set(answer.alternatives.map((item) => item.unit));
    for (const item of answer.alternatives) {
      if (!this.#items.has(item.unit)) this.#keep(this.#made(item));
    }
    for (const [unit, { element }] of this.#items) {
      if (told.has(unit) || element.contains(document.activeElement)) continue;
      element.remove();
      this.#items.delete(unit);
    }
    if (own) this.#reorderNow({ announce: false });
    this.paint();
    this.#awaitRecheck();
  }

  #made(item) {
    const element = blank("alternative");
    element.dataset.alternative = item.unit;
    this.#list.append(element);
    return element;
  }

  #keep(element) {
    this.#items.set(element.dataset.alternative, { element });
  }

  // The server says when time alone will change the answer.
  #awaitRecheck() {
    clearTimeout(this.#recheck);
    const at = instant(this.#answer.recheck_at);
    if (at === null) return;
    const wait = Math.min(LONGEST_TIMER, Math.max(0, at - this.#clock.now()) + GATHER);
    this.#recheck = setTimeout(() => this.refresh(), wait);
  }

  // --- order ------------------------------------------------------------------------------------

  get #handsOn() {
    const aimed = performance.now() - this.#aimed < AIMED;
    return this.#pressed || aimed || this.#list.contains(document.activeElement);
  }

  get #outOfOrder() {
    const wanted = this.all.map((item) => item.unit);
    const present = [...this.#list.children].map((element) => element.dataset.alternative);
    return wanted.some((unit, at) => present[at] !== unit);
  }

  #reorder() {
    if (!this.#outOfOrder) {
      this.#offerOrder(false);
    } else if (this.#handsOn) {
      this.#offerOrder(true);
    } else {
      this.#putInOrder();
    }
  }

  #reorderNow({ announce = true } = {}) {
    const focused = document.activeElement;
    this.#putInOrder();
    if (this.#list.contains(focused)) focused.focus({ preventScroll: true });
    else if (announce) this.#panel.querySelector("#call-title").focus();
  }

  #putInOrder() {
    this.all.forEach((item, at) => {
      const { element } = this.#items.get(item.unit);
      const present = this.#list.children[at];
      if (present !== element) this.#list.insertBefore(element, present);
    });
    this.#offerOrder(false);
  }

  #offerOrder(waiting) {
    if (waiting && !this.#waiting) say(this.#words.text("order_changed"));
    this.#waiting = waiting;
    const button = this.#panel.querySelector("[data-reorder]");
    if (waiting || button !== document.activeElement) setHidden(button, !waiting);
  }

  #watchHands() {
    const list = this.#list;
    const soon = () => setTimeout(() => this.#reorder());
    list.addEventListener("pointerdown", () => {
      this.#pressed = true;
    });
    for (const name of ["pointerup", "pointercancel", "blur"]) {
      addEventListener(name, () => {
        if (!this.#pressed) return;
        this.#pressed = false;
        soon();
      });
    }
    list.addEventListener("pointermove", () => {
      this.#aimed = performance.now();
    });
    list.addEventListener("pointerleave", () => {
      this.#aimed = -AIMED;
      soon();
    });
    list.addEventListener("focusout", soon);
    for (const name of ["focusin", "click"]) {
      list.addEventListener(name, (event) => {
        const element = event.target.closest("[data-alternative]");
        if (element) this.#touched = element.dataset.alternative;
      });
    }
  }
}

async function fetched(address, { signal }) {
  try {
    const answer = await fetch(address, {
      signal,
      cache: "no-store",
      headers: { Accept: "application/json" },
    });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
