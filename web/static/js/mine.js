// The strip of own holds: what became of each, for how long it stands, whom to ring, what next.

import { blank, dial, fillOnce, fillSlots, setAttribute, setHidden, setOff, setText } from "./dom.js";
import { reasonOf } from "./holds.js";
import { countdown, isLive, national } from "./shown.js";
import { instant } from "./times.js";

const MOST_NEXT = 3;
const ACTS = { asked: ["fill", "cancel"], accepted: ["fill", "release"] };
const OFFER_NEXT = new Set(["declined", "expired"]);

export class Mine {
  #box;
  #list;
  #words;
  #clock;
  #board;
  #holds;
  #alternatives;
  #onAsk;
  #cards = new Map();

  // onAsk(unit, name) is called when a next choice is taken.
  constructor({ dock, words, clock, board, holds, alternatives, onAsk }) {
    this.#box = dock.querySelector("[data-mine-box]");
    this.#list = dock.querySelector("[data-mine]");
    this.#words = words;
    this.#clock = clock;
    this.#board = board;
    this.#holds = holds;
    this.#alternatives = alternatives;
    this.#onAsk = onAsk;
    this.#list.addEventListener("click", (event) => this.#click(event));
  }

  // The first next choice on offer, for the key that takes it.
  get firstNext() {
    return this.#list.querySelector(".next:not([hidden]) button");
  }

  focus() {
    this.#list.querySelector(".acts button, .acts a")?.focus();
  }

  paint() {
    const now = this.#clock.now();
    const cards = this.#wanted(now);
    setHidden(this.#box, cards.length === 0);
    const keys = new Set(cards.map((card) => card.key));
    for (const [key, element] of this.#cards) if (!keys.has(key)) this.#remove(key, element);
    cards.forEach((card, at) => this.#paintCard(card, at));
  }

  #wanted(now) {
    return [
      ...this.#holds.notices.map((notice) => this.#noticeCard(notice)),
      ...this.#holds.requests.map((request) => this.#requestCard(request)),
      ...this.#holds.own.map((hold) => this.#holdCard(hold, now)),
    ];
  }

  #noticeCard({ unit, name, text, next, signIn }) {
    return {
      key: `notice:${unit}`,
      name,
      state: "refused",
      why: text,
      phone: this.#board.row(unit)?.phone,
      next: signIn ? [] : next,
      asksNext: !signIn,
      acts: ["dismiss"],
      signIn,
      on: { dismiss: () => this.#holds.dismissNotice(unit) },
    };
  }

  #requestCard({ unit, name, need, state }) {
    const unsure = state === "unsure";
    return {
      key: `request:${unit}`,
      name,
      state: unsure ? "unsure" : "asking",
      why: this.#words.text(unsure ? "hold_unsure" : "asking", { name }),
      phone: unsure ? this.#board.row(unit)?.phone : null,
      next: [],
      acts: unsure ? ["again", "dismiss"] : [],
      on: {
        again: () => this.#holds.ask(unit, name, need),
        dismiss: () => this.#holds.dismissRequest(unit),
      },
    };
  }

  #holdCard(hold, now) {
    const { unit, state } = hold;
    const row = this.#board.row(unit);
    const name = row?.name ?? unit;
    const verbs = ACTS[state] ?? ["dismiss"];
    const act = (verb) => () => this.#holds.act(hold, name, verb);
    const later = this.#holds.own.some((other) => other.asked_at > hold.asked_at);
    const asksNext = OFFER_NEXT.has(state) && !later && !this.#holds.notices.length;
    return {
      key: `hold:${hold.id}`,
      name,
      state,
      word: this.#words.text(`mine_${state}`),
      left: isLive(hold) ? countdown(instant(hold.expires_at), now) : "",
      why: this.#why(hold),
      ring: state === "asked" && now >= instant(hold.answer_by),
      phone: row?.phone,
      next: asksNext ? this.#alternatives.next([unit], MOST_NEXT) : [],
      asksNext,
      acts: verbs,
      on: {
        ...Object.fromEntries(verbs.map((verb) => [verb, act(verb)])),
        dismiss: () => this.#holds.dismissHold(hold.id),
      },
    };
  }

  #why(hold) {
    if (hold.state === "declined") return reasonOf(hold, this.#words);
    return hold.state === "expired" ? this.#words.text("mine_why_expired") : "";
  }

  // --- painting ---------------------------------------------------------------------------------

  #paintCard(card, at) {
    let element = this.#cards.get(card.key);
    if (!element) {
      element = blank("mine");
      this.#cards.set(card.key, element);
      this.#list.insertBefore(element, this.#list.children[at] ?? null);
    }
    element.card = card;
    setAttribute(element, "data-state", card.state);
    const ringing = card.ring || card.state === "refused" || card.state === "unsure";
    fillSlots(element, {
      name: card.word ? card.name : "", // else the sentence names it
      state: card.word ?? "",
      left: card.left ?? "",
      why: card.why,
      ring: card.ring ? this.#words.text(card.phone ? "mine_no_answer" : "mine_no_answer_no_phone") : "",
      phone: national(card.phone),
      next: this.#words.text(card.next.length ? "next_choice" : "no_next"),
    });
    const ring = element.querySelector("[data-ring]");
    setHidden(ring, !ringing || !(card.ring || card.phone));
    ring.classList.toggle("big", Boolean(card.ring));
    dial(ring.querySelector("[data-dial]"), card.phone);
    this.#paintNext(element.querySelector(".next"), card);
    this.#paintActs(element.querySelector(".acts"), card);
  }

  #paintNext(box, { next, asksNext }) {
    setHidden(box, !asksNext);
    const wanted = asksNext ? next.map((item) => item.unit) : [];
    const present = [...box.querySelectorAll("[data-next]")];
    if (present.map((element) => element.dataset.next).join() !== wanted.join()) {
      const focused = present.includes(document.activeElement);
      for (const element of present) element.remove();
      for (const item of next) box.append(this.#nextElement(item));
      if (focused) (box.querySelector("[data-next]") ?? this.#title).focus();
    }
    for (const button of box.querySelectorAll("button")) this.#offWithLink(button);
  }

  // What can be held is a button, what can only be rung a number.
  #nextElement(item) {
    const element = blank(item.holdable ? "act" : "ring");
    element.dataset.next = item.unit;
    if (item.holdable) {
      fillOnce(element, { word: this.#words.text("hold"), name: item.name });
    } else {
      fillOnce(element, { name: item.name, phone: national(item.phone) });
      dial(element, item.phone);
    }
    return element;
  }

  #paintActs(box, { acts, name, signIn }) {
    const wanted = signIn ? ["sign-in", ...acts] : acts;
    const present = [...box.children];
    if (present.map((child) => child.dataset.act).join() !== wanted.join()) {
      const focused = box.contains(document.activeElement);
      box.replaceChildren(...wanted.map((act) => this.#actElement(act, name)));
      if (focused) (box.firstElementChild ?? this.#title).focus();
    }
    for (const button of box.querySelectorAll("button")) {
      if (button.dataset.act !== "dismiss") this.#offWithLink(button);
    }
  }

  #actElement(act, name) {
    if (act === "sign-in") {
      const link = blank("sign-in");
      link.dataset.act = act;
      link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
      return link;
    }
    const button = blank("act");
    button.dataset.act = act;
    fillOnce(button, { word: this.#words.text(`act_${act}`), name });
    return button;
  }

  #offWithLink(button) {
    const lost = document.body.dataset.link === "lost";
    setOff(button, lost, "off-link");
  }

  #remove(key, element) {
    const focused = element.contains(document.activeElement);
    const beside = element.nextElementSibling ?? element.previousElementSibling;
    element.remove();
    this.#cards.delete(key);
    if (focused) (beside?.querySelector("button") ?? this.#title).focus();
  }

  // The heading of the list stays when the strip is gone.
  get #title() {
    return document.querySelector("#call-title");
  }

  #click(event) {
    const button = event.target.closest("button");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    const { card } = button.closest(".mine");
    const { act, next } = button.dataset;
    if (next) this.#onAsk(next, card.next.find((item) => item.unit === next)?.name ?? next);
    else card.on[act]?.();
  }
}
