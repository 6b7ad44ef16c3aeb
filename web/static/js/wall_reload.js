// A wall screen stays open for months. It begins anew each night at a quiet hour, and when the
// server has become another version; never into a blank: it asks for the page first, and goes
// there only when the server has given it whole. Otherwise it keeps what it has and tries again.

import { nextTimeOfDay } from "./times.js";

const HOUR = 4; // in Denmark
const JITTER = 10 * 60_000; // to either side: a region's screens must not all come at once
const TOO_SOON = 6 * 3_600_000; // a page that young is not loaded again at once
const AGAIN = 60_000;
const LOOK_EVERY = 3_600_000;
const WITHIN = 20_000;

const VERSION = /<meta name="version" content="([^"]*)"/;
const FILES = /"(\/static\/[^"]+)"/g;

export class Reload {
  #clock;
  #version;
  #due;
  #look;
  #busy = false;

  // `clock` is the server's, `version` the one that this page was made by.
  constructor(clock, version) {
    this.#clock = clock;
    this.#version = version;
    const now = clock.now();
    this.#due = nextTimeOfDay(HOUR, now + TOO_SOON) + (2 * Math.random() - 1) * JITTER;
    this.#look = now + LOOK_EVERY;
  }

  // The server may be a new one: the link was away.
  lookSoon() {
    this.#look = 0;
  }

  // Whatever it is that went wrong here, a new page may do better.
  now() {
    this.#due = Math.min(this.#due, this.#clock.now());
  }

  tick() {
    const now = this.#clock.now();
    if (this.#busy || (now < this.#due && now < this.#look)) return;
    this.#look = now + LOOK_EVERY;
    this.#busy = true;
    this.#try(now >= this.#due).finally(() => {
      this.#busy = false;
    });
  }

  async #try(due) {
    const page = await this.#page();
    const changed = page !== null && page.version !== this.#version;
    if (page !== null && !due && !changed) return;
    if (page !== null && (await ready(page.files))) location.reload();
    else this.#later(due);
  }

  #later(due) {
    const soon = this.#clock.now() + AGAIN;
    if (due) this.#due = soon;
    else this.#look = soon;
  }

  // The page as the server would give it now; null unless it gives it whole.
  async #page() {
    const answer = await ask(location.href);
    const text = answer?.status === 200 ? await answer.text().catch(() => null) : null;
    const version = text?.match(VERSION)?.[1];
    if (version === undefined) return null;
    return { version, files: [...text.matchAll(FILES)].map(([, address]) => address) };
  }
}

// All that the page needs, asked for beforehand, so that it can be drawn at once.
async function ready(files) {
  const answers = await Promise.all(files.map((file) => ask(file, "default")));
  return answers.every((answer) => answer?.status === 200);
}

// No answer (the network, a redirect to the sign-in) is no failure of this page: null.
async function ask(address, cache = "no-store") {
  const signal = AbortSignal.timeout(WITHIN);
  const answer = fetch(address, { cache, signal, redirect: "manual" });
  return answer.catch((error) => {
    console.info("the page could not be asked for; it stays as it is", error.message);
    return null;
  });
}
