// The filter links without a page load. Mirror of web/pages/filters.py.

export class Filters {
  #words;
  #onChange;

  constructor(words, onChange) {
    this.#words = words;
    this.#onChange = onChange;
    this.#read();
    document.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("keydown", (event) => event.key === "Escape" && fold(true));
    addEventListener("popstate", () => {
      this.#read();
      this.#show();
    });
  }

  get chosen() {
    return Boolean(this.municipality || this.capabilities.length);
  }

  accepts(row, serves) {
    if (this.municipality && serves.length && !serves.includes(this.municipality)) return false;
    return this.capabilities.every((code) => row.capabilities.includes(code));
  }

  // Only what the page offers as a choice can be chosen, as on the server.
  #read() {
    const query = new URLSearchParams(location.search);
    const offered = (kind) => [...links(kind)].map((link) => link.dataset[kind]);
    const municipalities = query.getAll("municipality").filter((code) => code);
    const known = municipalities.filter((code) => offered("municipality").includes(code));
    this.municipality = known.at(-1) ?? "";
    const capabilities = new Set(query.getAll("capability"));
    this.capabilities = [...capabilities].filter((code) => offered("capability").includes(code));
    this.lang = query.get("lang");
  }

  #click(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (!event.target.closest(".more")) fold(false);
    const link = event.target.closest("a[data-municipality], a[data-capability], a[data-clear]");
    if (!link) return;
    event.preventDefault();
    if ("municipality" in link.dataset) this.municipality = link.dataset.municipality;
    else if ("capability" in link.dataset) this.capabilities = this.#toggled(link.dataset.capability);
    else [this.municipality, this.capabilities] = ["", []];
    history.pushState(null, "", this.#href(this.municipality, this.capabilities));
    this.#show();
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

  #href(municipality, capabilities, lang = this.lang) {
    const query = new URLSearchParams();
    if (municipality) query.append("municipality", municipality);
    for (const code of capabilities) query.append("capability", code);
    if (lang) query.append("lang", lang);
    return `?${query}`;
  }

  #show() {
    for (const link of links("municipality")) {
      const code = link.dataset.municipality;
      mark(link, code === this.municipality, this.#href(code, this.capabilities));
    }
    for (const link of links("capability")) {
      const code = link.dataset.capability;
      const chosen = this.capabilities.includes(code);
      mark(link, chosen, this.#href(this.municipality, this.#toggled(code)));
    }
    for (const link of links("language")) {
      link.href = this.#href(this.municipality, this.capabilities, link.dataset.language);
    }
    for (const link of links("clear")) link.hidden = !this.chosen;
    this.#countHidden();
    this.#onChange();
  }
}

// Folds the further needs away again; the keyboard goes back to where it unfolded them.
function fold(refocus) {
  const open = document.querySelector(".more details[open]");
  if (!open) return;
  const inside = open.contains(document.activeElement);
  open.open = false;
  if (refocus && inside) open.querySelector("summary").focus();
}

function links(kind) {
  return document.querySelectorAll(`a[data-${kind}]`);
}

function mark(link, chosen, href) {
  link.setAttribute("href", href);
  if (chosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}
