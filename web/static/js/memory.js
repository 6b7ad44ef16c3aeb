// What one tab remembers of its calls over a reload; gone when the tab is closed. Ids, codes and
// times only: nothing about anybody.

const KEY = "akutoverblik-call";

export class Memory {
  #key;
  #kept;

  constructor(cluster) {
    this.#key = `${KEY}:${cluster}`;
    this.#kept = read(this.#key);
  }

  get(name, otherwise) {
    return this.#kept[name] ?? otherwise;
  }

  set(name, value) {
    this.#kept[name] = value;
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(this.#kept));
    } catch {
      // A full or forbidden storage costs the memory over a reload, not the call.
    }
  }
}

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}
