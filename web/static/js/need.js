// The need in seconds without a mouse: single keys, and a field that finds a capability by a few
// letters. Single keys can be switched off (WCAG 2.1.4); what was typed never leaves the page.

import { setAttribute, setHidden } from "./dom.js";
import { say } from "./say.js";

const SWITCH = "akutoverblik-keys";
const MOST = 6; // suggestions at a time

export class Keys {
  #words;
  #actions;
  #on;

  // `actions` are functions by key, for what is not a link with a key of its own.
  constructor(words, actions) {
    this.#words = words;
    this.#actions = actions;
    this.#on = remembered();
    const box = document.querySelector("[data-keys]");
    const tick = document.querySelector("[data-keys-switch]");
    setHidden(box, false);
    tick.checked = this.#on;
    tick.addEventListener("change", () => this.#switch(tick.checked));
    this.#show();
    document.addEventListener("keydown", (event) => this.#press(event));
  }

  #switch(on) {
    this.#on = on;
    remember(on);
    this.#show();
    say(this.#words.text(on ? "keys_on" : "keys_off"));
  }

  #show() {
    document.body.dataset.keys = this.#on ? "on" : "off";
    for (const element of document.querySelectorAll("[data-key]")) {
      setAttribute(element, "aria-keyshortcuts", this.#on ? element.dataset.key : null);
    }
  }

  #press(event) {
    if (!this.#on || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.isComposing || event.target.closest("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    const action = this.#actions[key] ?? linkOf(key);
    if (!action) return;
    event.preventDefault();
    action();
  }
}

function linkOf(key) {
  if (!/^[a-z0-9]$/.test(key)) return null;
  const found = [...document.querySelectorAll(`a[data-key="${key}"]`)];
  const link = found.find((element) => !element.hidden);
  return link ? () => link.click() : null;
}

function remembered() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

function remember(on) {
  try {
    localStorage.setItem(SWITCH, on ? "on" : "off");
  } catch {
    // Without storage the choice holds until the page is left.
  }
}

// A combobox (WAI-ARIA 1.2): letters narrow the list, arrows move in it, Enter chooses.
export class Seek {
  #words;
  #filters;
  #input;
  #list;
  #active = 0;

  constructor(words, filters) {
    const box = document.querySelector("[data-seek]");
    if (!box) return;
    this.#words = words;
    this.#filters = filters;
    this.#input = box.querySelector("input");
    this.#list = box.querySelector("ul");
    setHidden(box, false);
    this.#input.addEventListener("input", () => this.#suggest());
    this.#input.addEventListener("keydown", (event) => this.#press(event));
    this.#input.addEventListener("blur", () => this.#close());
    // Before the field loses the focus, or the list would be gone before the click.
    this.#list.addEventListener("pointerdown", (event) => this.#point(event));
  }

  focus() {
    this.#input?.focus();
  }

  #suggest() {
    const sought = folded(this.#input.value.trim());
    const names = Object.entries(this.#words.abilities);
    const hits = sought ? names.filter(([, name]) => folded(name).includes(sought)) : [];
    const first = ([, name]) => (folded(name).startsWith(sought) ? 0 : 1);
    hits.sort((a, b) => first(a) - first(b));
    this.#list.replaceChildren(...hits.slice(0, MOST).map((hit) => this.#option(hit)));
    this.#active = 0;
    this.#show(hits.length > 0);
    if (sought && !hits.length) say(this.#words.text("no_capability"), { quiet: false });
  }

  #option([code, name]) {
    const option = document.createElement("li");
    option.id = `seek-${code}`;
    option.setAttribute("role", "option");
    option.dataset.code = code;
    const chosen = this.#filters.capabilities.includes(code);
    option.textContent = chosen ? `✓ ${name}` : name;
    return option;
  }

  #show(open) {
    setHidden(this.#list, !open);
    setAttribute(this.#input, "aria-expanded", String(open));
    const options = [...this.#list.children];
    options.forEach((option, at) => {
      setAttribute(option, "aria-selected", String(open && at === this.#active));
    });
    const active = open ? options[this.#active].id : null;
    setAttribute(this.#input, "aria-activedescendant", active);
  }

  #press(event) {
    const { length } = this.#list.children;
    const open = !this.#list.hidden;
    if (event.key === "Escape") {
      if (this.#input.value === "") this.#input.blur();
      this.#close();
    } else if (event.key === "Enter" && open) {
      this.#choose(this.#list.children[this.#active]);
    } else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const step = event.key === "ArrowDown" ? 1 : length - 1;
      this.#active = (this.#active + step) % length;
      this.#show(true);
    } else {
      return;
    }
    event.preventDefault();
  }

  #point(event) {
    const option = event.target.closest("[role=option]");
    event.preventDefault();
    if (option) this.#choose(option);
  }

  #choose(option) {
    this.#filters.toggle(option.dataset.code);
    this.#close();
  }

  #close() {
    this.#input.value = "";
    this.#show(false);
  }
}

function folded(text) {
  return text.toLocaleLowerCase("da");
}
