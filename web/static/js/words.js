// The texts of the page's language, handed over by the server (web/words.py, for_script).

export class Words {
  #texts;
  #counts;

  constructor(given) {
    this.#texts = given.texts;
    this.#counts = given.counts;
    this.months = given.months;
    this.abilities = given.abilities;
    this.names = given.names;
    this.shapes = given.shapes;
    this.localKinds = given.local_kinds;
  }

  has(key) {
    return key in this.#texts;
  }

  text(key, values = {}) {
    return fill(this.#texts[key], values);
  }

  // One for exactly 1, else many: so in Danish and in English.
  count(key, n, values = {}) {
    const [one, many] = this.#counts[key];
    return fill(n === 1 ? one : many, { n, ...values });
  }
}

// In one pass, so that a value's own braces stay as they are.
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
