// The need as it stands in the address, and its links without a page load.
// Mirror of web/pages/filters.py.

const EITHER = "either";
const PARTS = "a[data-municipality], a[data-capability], a[data-soon], a[data-where], a[data-clear]";

export class Filters {
  #words;
  #onChange;

  // onChange is called after every change: with { name, chosen } of what a person chose or let go,
  // or with null.
  constructor(words, onChange) {
    this.#words = words;
    this.#onChange = onChange;
    this.#read();
    document.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("keydown", (event) => event.key === "Escape" && fold(true));
    addEventListener("popstate", () => {
      this.#read();
      this.#show();
      this.#onChange(null);
    });
  }

  get chosen() {
    return this.filtering || this.within !== null || this.where !== EITHER;
  }

  // Whether any row may be left out for it.
  get filtering() {
    return Boolean(this.municipality || this.capabilities.length);
  }

  // The shape in which holds and outcomes carry a need; null when nothing is chosen.
  get need() {
    if (!this.chosen) return null;
    return {
      municipality: this.municipality || null,
      capabilities: this.capabilities,
      within_minutes: this.within,
      where: this.where,
    };
  }

  // The address's parameters without the page's own (its language).
  get query() {
    return this.#href({ lang: null }).slice(1);
  }

  accepts(row, serves) {
    if (this.municipality && serves.length && !serves.includes(this.municipality)) return false;
    return this.capabilities.every((code) => row.capabilities.includes(code));
  }

  toggle(code) {
    this.#choose({ capabilities: this.#toggled(code) }, `a[data-capability="${code}"]`);
  }

  clear() {
    if (this.chosen) this.#choose({ municipality: "", capabilities: [], within: null, where: EITHER });
  }

  #choose(changed, selector) {
    Object.assign(this, changed);
    history.pushState(null, "", this.#href());
    this.#show();
    const link = selector && document.querySelector(selector);
    this.#onChange(link ? { name: nameOf(link), chosen: link.hasAttribute("aria-current") } : null);
  }

  // Only what the page offers as a choice can be chosen, as on the server.
  #read() {
    const query = new URLSearchParams(location.search);
    const offered = (kind) => [...links(kind)].map((link) => link.dataset[kind]);
    const last = (name, kind) =>
      query.getAll(name).filter((value) => value && offered(kind).includes(value)).at(-1);
    this.municipality = last("municipality", "municipality") ?? "";
    const capabilities = new Set(query.getAll("capability"));
    this.capabilities = [...capabilities].filter((code) => offered("capability").includes(code));
    const within = last("within_minutes", "soon");
    this.within = within === undefined ? null : Number(within);
    this.where = last("where", "where") ?? EITHER;
    this.lang = query.get("lang");
  }

  #click(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (!event.target.closest(".more")) fold(false);
    const link = event.target.closest(PARTS);
    if (!link) return;
    event.preventDefault();
    const { municipality, capability, soon, where } = link.dataset;
    if (municipality !== undefined) {
      this.#choose({ municipality }, `a[data-municipality="${municipality}"]`);
    } else if (capability !== undefined) {
      this.toggle(capability);
    } else if (soon !== undefined) {
      this.#choose({ within: this.#soon(Number(soon)) }, `a[data-soon="${soon}"]`);
    } else if (where !== undefined) {
      this.#choose({ where: this.#at(where) }, `a[data-where="${where}"]`);
    } else {
      this.clear();
    }
  }

  // The unfolding button says how many it hides, so that no choice is out of sight.
  #countHidden() {
    const more = document.querySelector("[data-more]");
    if (!more) return;
    const n = document.querySelectorAll(".more a[aria-current]").length;
    more.textContent = this.#words.text(n ? "more_needs_chosen" : "more_needs", { n });
  }

  #toggled(code) {
    const rest = this.capabilities.filter((other) => other !== code);
    return rest.length === this.capabilities.length ? [...rest, code] : rest;
  }

  #soon(minutes) {
    return this.within === minutes ? null : minutes;
  }

  #at(where) {
    return this.where === where ? EITHER : where;
  }

  #href(changed) {
    const { municipality, capabilities, within, where, lang } = { ...this, ...changed };
    const query = new URLSearchParams();
    if (municipality) query.append("municipality", municipality);
    for (const code of capabilities) query.append("capability", code);
    if (within !== null) query.append("within_minutes", within);
    if (where !== EITHER) query.append("where", where);
    if (lang) query.append("lang", lang);
    return `?${query}`;
  }

  #show() {
    for (const link of links("municipality")) {
      const code = link.dataset.municipality;
      mark(link, code === this.municipality, this.#href({ municipality: code }));
    }
    for (const link of links("capability")) {
      const code = link.dataset.capability;
      const chosen = this.capabilities.includes(code);
      mark(link, chosen, this.#href({ capabilities: this.#toggled(code) }));
      if (link.parentElement.matches(".echo")) echo(link.parentElement, chosen);
    }
    for (const link of links("soon")) {
      const minutes = Number(link.dataset.soon);
      mark(link, minutes === this.within, this.#href({ within: this.#soon(minutes) }));
    }
    for (const link of links("where")) {
      const { where } = link.dataset;
      mark(link, where === this.where, this.#href({ where: this.#at(where) }));
    }
    for (const link of links("language")) link.href = this.#href({ lang: link.dataset.language });
    for (const link of links("clear")) {
      if (!this.chosen && link === document.activeElement) firstChoice().focus();
      link.hidden = !this.chosen;
    }
    this.#countHidden();
  }
}

// Without the key that stands on it.
function nameOf(link) {
  return link.firstChild.textContent;
}

// A chosen capability of the fold stands beside it too, so that it is seen and let go in one click.
function echo(item, chosen) {
  if (!chosen && item.contains(document.activeElement)) {
    document.querySelector("[data-more]").focus();
  }
  item.hidden = !chosen;
}

// Folds the further needs away again; the keyboard goes back to where it unfolded them.
function fold(refocus) {
  const open = document.querySelector(".more details[open]");
  if (!open) return;
  const inside = open.contains(document.activeElement);
  open.open = false;
  if (refocus && inside) open.querySelector("summary").focus();
}

function firstChoice() {
  return document.querySelector("a.choice");
}

function links(kind) {
  return document.querySelectorAll(`a[data-${kind}]`);
}

function mark(link, chosen, href) {
  link.setAttribute("href", href);
  if (chosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}
