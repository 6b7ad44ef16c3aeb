// The last tap, kept until the server has answered for it: one per unit, the newest in the place
// of the one before. It lies in the browser's storage, so it outlives a reload and a flat battery,
// and goes out under the same id each time, so that it is done once.

import { send } from "../send.js";

const RETRY = 3_000; // milliseconds; doubles up to RETRY_MAX
const RETRY_MAX = 15_000;
const SETTLED = new Set([200, 404, 409, 413, 422]); // the server has judged: do not send it again

export class Outbox {
  #key;
  #url;
  #onChange;
  #memory = null;
  #sending = null;
  #timer = 0;
  #tries = 0;
  #open = true;

  // onChange(what, action, answer): "kept", "sending", "settled", "unsent" or "refused".
  constructor(unit, onChange) {
    this.#key = `akutoverblik.pending.${unit}`;
    this.#url = `/api/v1/units/${encodeURIComponent(unit)}/report`;
    this.#onChange = onChange;
    // Another page of this phone has sent it, or put another in its place.
    addEventListener("storage", (event) => event.key === this.#key && (this.#memory = null));
  }

  // Whether the browser's storage holds what is kept; else it is lost with the page.
  durable = true;

  get pending() {
    return this.#read() ?? this.#memory;
  }

  // A page that must not send (it was opened without the server) only keeps.
  shut() {
    this.#open = false;
  }

  // An action is { id, body, ... }; it takes the place of the one that is kept.
  put(action) {
    this.#write(action);
    this.#tries = 0;
    this.#onChange("kept", action);
    this.flush();
  }

  // Takes back what has never been sent; tells whether it could.
  withdraw(id) {
    const action = this.pending;
    if (!action || action.id !== id || action.tried) return false;
    this.#write(null);
    return true;
  }

  // Sends what is kept, now; one at a time, so that the order of taps is the order of arrival.
  async flush() {
    clearTimeout(this.#timer);
    const action = this.pending;
    if (!this.#open || !action || this.#sending || navigator.onLine === false) return;
    this.#sending = { ...action, tried: true };
    this.#write(this.#sending);
    this.#onChange("sending", action);
    const { status, body } = await send("POST", this.#url, { id: action.id, body: action.body });
    this.#sending = null;
    this.#judge(action, status, body);
  }

  #judge(action, status, body) {
    const current = this.pending?.id === action.id;
    if (SETTLED.has(status)) {
      if (current) this.#write(null);
      this.#tries = 0;
      this.#onChange("settled", action, { status, body });
    } else if (status === 401 || status === 403) {
      this.#onChange("refused", action, { status, body });
    } else {
      if (current) this.#onChange("unsent", action);
      const wait = Math.min(RETRY_MAX, RETRY * 2 ** this.#tries);
      this.#tries += 1;
      this.#timer = setTimeout(() => this.flush(), wait);
    }
    if (!current) this.flush(); // another tap was made meanwhile
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.#key));
    } catch (error) {
      this.durable = false;
      console.info("this browser keeps nothing; a tap lives as long as the page", error);
      return null;
    }
  }

  #write(action) {
    this.#memory = action;
    try {
      if (action) localStorage.setItem(this.#key, JSON.stringify(action));
      else localStorage.removeItem(this.#key);
    } catch (error) {
      this.durable = false;
      console.info("this browser keeps nothing; a tap lives as long as the page", error);
    }
  }
}
