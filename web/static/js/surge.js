// The surge level on the page, and setting it by hand. How to include it: templates/surge.html.

import { fillSlots, isOff, setAttribute, setHidden, setOff, setText } from "./dom.js";
import { say } from "./say.js";
import { newId, send } from "./send.js";
import { instant, moment } from "./times.js";

const HOURS = [1, 2, 4, 8, 12, 24]; // as in web/pages/surge.py
const USUAL = 4;
const HOUR = 3_600_000;
const REPEAT = 60_000; // milliseconds

export class Surge {
  #element;
  #words;
  #clock;
  #told;
  #form = null;

  // `element` is the strip; `clock` tells the server's time.
  constructor(element, words, clock) {
    this.#element = element;
    this.#words = words;
    this.#clock = clock;
    this.#told = JSON.parse(element.dataset.told);
    const set = element.querySelector("[data-surge-set]");
    if (set) {
      const onDone = (told) => this.show(told);
      this.#form = new SurgeForm({ set, address: element.dataset.surgeStrip, words, clock, onDone });
    }
    this.paint();
  }

  // What a frame carries; a frame without it says nothing new.
  show(told) {
    if (!told) return;
    this.#told = told;
    this.paint();
  }

  linkIs(live) {
    this.#form?.linkIs(live);
  }

  paint() {
    const texts = stripShown(this.#told, this.#clock.now(), this.#words);
    fillSlots(this.#element, texts);
    setAttribute(this.#element, "data-level", texts.level);
    this.#form?.paint(this.#told);
  }
}

// What a person types stays until it is saved, whatever goes wrong.
class SurgeForm {
  #set;
  #form;
  #address;
  #words;
  #clock;
  #onDone;
  #lift;
  #live = true;
  #sending = false;
  #wishes = new Map(); // what was asked for, to the id and the moment it was first asked

  constructor({ set, address, words, clock, onDone }) {
    this.#set = set;
    this.#form = set.querySelector("form");
    this.#address = address;
    this.#words = words;
    this.#clock = clock;
    this.#onDone = onDone;
    this.#lift = set.querySelector("[data-surge-lift]");
    setHidden(set, false); // without a script it could do nothing
    for (const hours of HOURS) {
      this.#form.hours.add(new Option("", hours, hours === USUAL, hours === USUAL));
    }
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#lift.addEventListener("click", () => this.#liftIt());
    this.#form.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
  }

  linkIs(live) {
    this.#live = live;
    this.#paintButtons();
  }

  paint({ override }) {
    // The button must not vanish under the focus; until it is left it does no harm.
    if (document.activeElement !== this.#lift) setHidden(this.#lift, !override);
    for (const option of this.#form.hours.options) {
      const hours = Number(option.value);
      const time = moment(this.#words, this.#clock.now() + hours * HOUR, this.#clock.now());
      const text = this.#words.count("surge_hours", hours, { time });
      if (option.text !== text) option.text = text;
    }
  }

  #paintButtons() {
    for (const button of this.#form.querySelectorAll("button")) {
      setOff(button, !this.#live || this.#sending);
    }
  }

  async #submit(event) {
    event.preventDefault();
    const { level, reason, hours } = this.#form;
    const button = this.#form.querySelector("[type=submit]");
    if (level.value === "") return this.#wrong("level", level[0]);
    if (!reason.value.trim()) return this.#wrong("missing", reason);
    const wanted = [level.value, reason.value, hours.value].join("\n");
    const ends = this.#wish(wanted).at + Number(hours.value) * HOUR;
    const until = new Date(ends).toISOString();
    const body = { level: Number(level.value), reason: reason.value.trim(), until };
    const told = await this.#ask("POST", wanted, body, button);
    if (!told) return;
    const time = moment(this.#words, ends, this.#clock.now());
    this.#form.reset();
    this.#done(told, this.#words.text("surge_set_done", { time }));
  }

  async #liftIt() {
    const told = await this.#ask("DELETE", "lift", undefined, this.#lift);
    if (told) this.#done(told, this.#words.text("surge_lift_done"));
  }

  // The same wish again, soon after no answer came, is the same request: it is done once.
  #wish(wanted) {
    const now = this.#clock.now();
    const before = this.#wishes.get(wanted);
    if (before && now - before.at < REPEAT) return before;
    const wish = { id: newId(), at: now };
    this.#wishes.set(wanted, wish);
    return wish;
  }

  async #ask(method, wanted, body, button) {
    if (isOff(button)) {
      if (!this.#sending) this.#wrong("link", button);
      return null;
    }
    const { id } = this.#wish(wanted);
    this.#sending = true;
    this.#paintButtons();
    this.#tell("");
    say(this.#words.text("surge_saving"), { quiet: true });
    const { status, body: answer } = await send(method, this.#address, { body, id });
    this.#sending = false;
    this.#paintButtons();
    const known = status !== 0 && answer?.code !== "unconfirmed";
    if (known) this.#wishes.delete(wanted); // an answer: to wish it again is a new wish
    if (status === 200 && answer) return answer;
    this.#explain(status, answer, button);
    return null;
  }

  #explain(status, answer, button) {
    const fields = { level: this.#form.level[0], reason: this.#form.reason, until: this.#form.hours };
    if (status === 0) this.#wrong("unsure", button);
    else if (status === 503) this.#wrong(answer?.code === "unconfirmed" ? "unsure" : "away", button);
    else if (status === 401 || status === 403) this.#wrong("refused", button);
    else if (status === 422 && this.#words.has(`surge_wrong_${answer?.code}`)) {
      this.#wrong(answer.code, fields[answer.field] ?? button);
    } else this.#wrong("other", button);
  }

  #wrong(code, where) {
    this.#tell(this.#words.text(`surge_wrong_${code}`));
    where.focus();
  }

  #tell(text) {
    setText(this.#form.querySelector("[data-surge-wrong]"), text);
  }

  #done(told, text) {
    this.#close();
    this.#onDone(told);
    say(text);
  }

  #close() {
    this.#tell("");
    this.#set.open = false;
    this.#set.querySelector("summary").focus();
  }
}

// All texts of the strip. Mirror of strip_shown in web/pages/surge.py.
export function stripShown(told, now, words) {
  const since = instant(told.since);
  return {
    level: String(told.level),
    word: words.text(`surge_level_${told.level}`),
    step: words.text("surge_step", { level: told.level }),
    since: since === null ? "" : words.text("surge_since", { time: moment(words, since, now) }),
    override: told.override ? override(told.override, now, words) : "",
    facts: told.facts
      .map((fact) => factShown(fact, words))
      .filter(Boolean)
      .join(" · "),
    why: why(told, now, words),
  };
}

function override({ until, reason }, now, words) {
  return words.text("surge_override", { time: moment(words, instant(until), now), reason });
}

function factShown(fact, words) {
  const { code, value } = fact;
  if (code === "free") return free(fact, words);
  if (value !== null) return words.text(`surge_${code}`, { n: value, percent: value });
  return code === "load" || fact.crosses ? words.text(`surge_${code}_unknown`) : "";
}

function free({ value, free, of, closed, unknown, units }, words) {
  if (value === null) {
    const values = { places: words.count("places", 2), known: units - unknown, units };
    return words.text("surge_free_unknown", values);
  }
  const values = { free, of, places: words.count("places", of), percent: value };
  const parts = [words.text("surge_free", values)];
  if (closed) parts.push(words.count("surge_closed", closed));
  if (unknown) parts.push(words.text("total_unknown", { n: unknown }));
  return parts.join(", ");
}

function why(told, now, words) {
  const { computed } = told;
  if (computed === null) return words.text("surge_not_computed");
  const word = words.text(`surge_level_${computed}`);
  const unknown = instant(told.unknown_since);
  const falls = instant(told.may_fall_at);
  const reasons = told.facts.filter((fact) => fact.crosses && fact.crosses === computed);
  let parts = told.override ? [`${word}.`] : [];
  if (falls !== null) {
    const time = moment(words, falls, now);
    parts.push(words.text("surge_falls", { word: word.toLowerCase(), time }));
  } else if (reasons.length) {
    parts = [words.text("surge_because", { word, reasons: said(reasons, words) })];
  } else if (unknown === null) {
    parts.push(words.text("surge_none"));
  }
  if (unknown !== null) {
    parts.push(words.text("surge_unknown", { time: moment(words, unknown, now) }));
  }
  const text = parts.join(" ");
  return told.override ? words.text("surge_computed", { text }) : text;
}

function said(facts, words) {
  return facts
    .map(({ code, value, up, down }) => {
      const beyond = up < down ? value <= up : value >= up;
      const how = value === null ? "lost" : beyond ? "reached" : "still";
      return words.text(`surge_${code}_${how}`, { up, down });
    })
    .join(words.text("surge_and"));
}
