// Asks that come in: the first of them fills the screen until it is answered or set aside; what
// was accepted stands as a card until the citizen has come. The row says what is so; an answer
// goes over HTTP and shows when the row does. An ask that ends elsewhere goes with a word about it.

import { setHidden, setText } from "../dom.js";
import { newId, send } from "../send.js";
import { askedBy, clockLine, needLines } from "./ask_texts.js";
import { pageMoved } from "./guard.js";

const one = (selector) => document.querySelector(selector);

export class Asks {
  #words;
  #config;
  #clock;
  #alarm;
  #say;
  #holds = new Map(); // what the row says, by id, in the order of asking
  #mine = new Map(); // id to the state that this page has brought about
  #aside = new Set(); // asks that were put aside to look at the figures
  #requests = new Map(); // "id verb" to the id under which it was sent
  #cards = new Map();
  #sheet = one("[data-ask]");
  #shown = null;
  #first = true;

  constructor({ words, config, clock, alarm, say }) {
    this.#words = words;
    this.#config = config;
    this.#clock = clock;
    this.#alarm = alarm;
    this.#say = say;
    this.#sheet.addEventListener("click", (event) => this.#press(event));
    this.#sheet.addEventListener("cancel", () => this.#setAside());
    one("[data-hold-list]").addEventListener("click", (event) => this.#card(event));
  }

  show(row) {
    const found = new Map((row?.holds ?? []).map((hold) => [hold.id, hold]));
    if (!this.#first) for (const [id, before] of this.#holds) this.#tellEnd(before, found.get(id));
    this.#first = row === null;
    this.#holds = new Map([...found].sort(([, a], [, b]) => a.asked_at.localeCompare(b.asked_at)));
    this.#paint();
  }

  tick() {
    this.#paintClocks();
  }

  get #waiting() {
    return this.#in("asked");
  }

  // Holds in a state, by the row and by what this page has done that the row does not show yet.
  #in(state) {
    return [...this.#holds.values()].filter((hold) => this.#stateOf(hold) === state);
  }

  #stateOf(hold) {
    const mine = this.#mine.get(hold.id);
    return mine && hold.state === mine.from ? mine.to : hold.state;
  }

  #tellEnd(before, after) {
    const open = before.state === "asked" || before.state === "accepted";
    if (!open || before.state === after?.state) return;
    if (this.#mine.get(before.id)?.to === after?.state) return; // said already, when it was done
    this.#say(this.#words.text(after ? `unit_ask_gone_${after.state}` : "unit_ask_gone"));
  }

  #paint() {
    const waiting = this.#waiting;
    this.#alarm.calling = waiting.length > 0;
    this.#paintSheet(waiting);
    this.#paintCards([...waiting, ...this.#in("accepted")]);
    this.#paintClocks();
  }

  #paintSheet(waiting) {
    const next = waiting.find((hold) => !this.#aside.has(hold.id)) ?? null;
    const same = next?.id === this.#shown?.id;
    this.#shown = next;
    if (!next) {
      if (this.#sheet.open) this.#close();
      return;
    }
    const more = waiting.length - 1;
    this.#fill("more", more ? this.#words.count("unit_ask_waiting", more) : "");
    if (same && this.#sheet.open) return;
    this.#fill("title", askedBy(next, this.#words, this.#config));
    const lines = needLines(next, this.#words, this.#config);
    one("[data-ask-need]").replaceChildren(...lines.map(listItem));
    pageMoved();
    if (!this.#sheet.open) this.#sheet.showModal();
    this.#sheet.scrollTop = 0;
    this.#slot("title").focus();
  }

  #paintCards(holds) {
    const list = one("[data-hold-list]");
    const wanted = new Set(holds.map((hold) => hold.id));
    for (const [id, card] of this.#cards) {
      if (wanted.has(id)) continue;
      const focused = card.contains(document.activeElement);
      card.remove();
      this.#cards.delete(id);
      if (focused) one("#unit").focus({ preventScroll: true });
    }
    for (const hold of holds) this.#paintCard(list, hold);
    one("[data-holds]").hidden = holds.length === 0;
  }

  #paintCard(list, hold) {
    let card = this.#cards.get(hold.id);
    if (!card) {
      card = one("[data-hold-card]").content.firstElementChild.cloneNode(true);
      card.dataset.hold = hold.id;
      this.#cards.set(hold.id, card);
      list.append(card);
      pageMoved();
    }
    const asked = this.#stateOf(hold) === "asked";
    const title = asked
      ? askedBy(hold, this.#words, this.#config)
      : this.#words.text("unit_ask_accepted");
    fillIn(card, "title", title);
    fillIn(card, "need", needLines(hold, this.#words, this.#config).join(" · "));
    for (const button of card.querySelectorAll("[data-do]")) {
      button.hidden = (button.dataset.do === "open") !== asked;
    }
  }

  #paintClocks() {
    const now = this.#clock.now();
    if (this.#shown) this.#fill("clock", clockLine(this.#shown, now, this.#words));
    for (const [id, card] of this.#cards) {
      const hold = this.#holds.get(id);
      const state = this.#stateOf(hold);
      fillIn(card, "clock", clockLine({ ...hold, state }, now, this.#words));
    }
  }

  #press({ target }) {
    const button = target.closest("button");
    if (!button || !this.#shown) return;
    if ("askLater" in button.dataset) this.#setAside();
    else this.#answer(this.#shown, button.dataset.answer, button.dataset.reason);
  }

  #setAside() {
    if (this.#shown) this.#aside.add(this.#shown.id);
    this.#shown = null;
    this.#close();
    this.#paint();
  }

  #card({ target }) {
    const button = target.closest("[data-do]");
    if (!button) return;
    const hold = this.#holds.get(button.closest("[data-hold]").dataset.hold);
    if (button.dataset.do === "open") {
      this.#aside.delete(hold.id);
      this.#paint();
    } else {
      this.#answer(hold, button.dataset.do);
    }
  }

  // Closing the sheet puts the focus back where it was, and other buttons under the finger.
  #close() {
    if (this.#sheet.open) this.#sheet.close();
    pageMoved();
  }

  async #answer(hold, verb, reason) {
    const to = { accept: "accepted", decline: "declined", fill: "filled", release: "released" }[verb];
    const request = `${hold.id} ${verb} ${reason ?? ""}`;
    if (!this.#requests.has(request)) this.#requests.set(request, newId());
    const { cluster } = this.#config;
    const url = `/api/v1/holds/${encodeURIComponent(cluster)}/${encodeURIComponent(hold.id)}/${verb}`;
    const from = hold.state;
    this.#mine.set(hold.id, { from, to });
    this.#paint();
    const body = reason ? { reason } : {};
    const { status, body: told } = await send("POST", url, { body, id: this.#requests.get(request) });
    this.#judge(hold, to, status, told);
    this.#paint();
  }

  #judge(hold, to, status, told) {
    if (status === 200) {
      this.#say(this.#words.text(`unit_ask_you_${to}`));
      return;
    }
    this.#mine.delete(hold.id);
    if (status === 409 && told?.state && told.state !== "asked" && told.state !== "accepted") {
      this.#say(this.#words.text(`unit_ask_gone_${told.state}`));
      return;
    }
    // Back in the list of what waits, and not over the figures again: the message must be seen.
    this.#aside.add(hold.id);
    const unheard = status === 0 || status >= 500;
    this.#say(this.#words.text(unheard ? "unit_ask_unheard" : "unit_ask_refused"));
  }

  #fill(name, text) {
    const slot = this.#slot(name);
    setText(slot, text);
    setHidden(slot, text === "");
  }

  #slot(name) {
    return this.#sheet.querySelector(`[data-ask-slot="${name}"]`);
  }
}

function fillIn(card, name, text) {
  setText(card.querySelector(`[data-hold-slot="${name}"]`), text);
}

function listItem(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}
