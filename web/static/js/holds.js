// Holds of this visitator: asked for once however often a request is repeated, and followed by the
// rows that everybody gets. There is no second channel: what a row says of a hold is what is true.

import { say } from "./say.js";
import { newId, send } from "./send.js";
import { isLive } from "./shown.js";
import { why } from "./why.js";

const TRIES = 3;
const WITHIN = 4000; // milliseconds for one try
const AGAIN = 700; // before the second try; doubled before the third
const FORGOTTEN = 120; // seconds after which a request that was cut off by a reload is not repeated
const AWAITED = 5000; // milliseconds for which an answer is believed without a row that says so

const UNSURE = new Set([0, 502, 503, 504]); // it may have been done, or not

export class Holds {
  #words;
  #memory;
  #address;
  #account;
  #rows;
  #clock;
  #onChange;
  #requests = new Map(); // unit to the request for a hold of it that has no answer yet
  #notices = new Map(); // unit to why it was refused, and what to do instead
  #answers = new Map(); // hold id to what the server answered, until a row says the same
  #ids = new Map(); // the id of each change that may have to be repeated
  #seen = new Map(); // hold id to its state when last looked at

  // `rows` gives every row of the board, `onChange` is called when there is something to paint.
  constructor({ cluster, account, words, memory, clock, rows, onChange }) {
    this.#words = words;
    this.#memory = memory;
    this.#address = `/api/v1/holds/${cluster}`;
    this.#account = account;
    this.#rows = rows;
    this.#clock = clock;
    this.#onChange = onChange;
    for (const hold of this.#own()) this.#seen.set(hold.id, hold.state);
    this.#repeatCutOff();
  }

  // Own holds, live and lately ended, newest first.
  get own() {
    const dismissed = new Set(this.#memory.get("dismissed", []));
    const shown = this.#own().filter((hold) => isLive(hold) || !dismissed.has(hold.id));
    return shown.sort((a, b) => (a.asked_at < b.asked_at ? 1 : -1));
  }

  get requests() {
    return [...this.#requests.values()];
  }

  get notices() {
    return [...this.#notices.values()].reverse();
  }

  // Rows have changed: say what others did to own holds, and let go of answers that rows confirm.
  refresh() {
    for (const hold of this.#own()) {
      const before = this.#seen.get(hold.id);
      this.#seen.set(hold.id, hold.state);
      if (before !== undefined && before !== hold.state) this.#tell(hold);
    }
    this.#onChange();
  }

  // Ask for a place. A second press while the first is under way is the same wish.
  async ask(unit, name, need) {
    if (this.#requests.get(unit)?.state === "asking") return;
    const again = this.#requests.get(unit);
    const request = again ?? { unit, name, need, id: newId(), at: this.#clock.now() };
    this.#notices.delete(unit);
    this.#requests.set(unit, request);
    this.#keepRequests();
    await this.#send(request);
  }

  async act(hold, name, verb) {
    const key = `${hold.id}:${verb}`;
    if (this.#ids.get(key)?.busy) return;
    const change = { id: this.#ids.get(key)?.id ?? newId(), busy: true };
    this.#ids.set(key, change);
    const url = `${this.#address}/${encodeURIComponent(hold.id)}/${verb}`;
    const answer = await this.#tried(url, {}, change.id);
    change.busy = false;
    if (!UNSURE.has(answer.status)) this.#ids.delete(key);
    if (answer.status === 200) this.#answered(answer.body.hold);
    else say(this.#failure(answer, name, { gone: "fail_gone" }), { stay: true });
    if (answer.status === 401 || answer.status === 403) this.#mustSignIn(hold.unit, name, answer);
    this.#onChange();
  }

  dismissHold(id) {
    this.#memory.set("dismissed", [...this.#memory.get("dismissed", []), id].slice(-50));
    this.#onChange();
  }

  // The call is over: what ended or was refused in it is no longer of use. Live holds stay.
  dismissEnded() {
    const ended = this.own.filter((hold) => !isLive(hold)).map((hold) => hold.id);
    this.#memory.set("dismissed", [...this.#memory.get("dismissed", []), ...ended].slice(-50));
    this.#notices.clear();
    this.#onChange();
  }

  dismissNotice(unit) {
    this.#notices.delete(unit);
    this.#onChange();
  }

  dismissRequest(unit) {
    this.#requests.delete(unit);
    this.#keepRequests();
    this.#onChange();
  }

  // --- asking -----------------------------------------------------------------------------------

  async #send(request) {
    const { unit, name, need, id } = request;
    request.state = "asking";
    say(this.#words.text("asking", { name }));
    this.#onChange();
    const body = need ? { unit, need } : { unit };
    const answer = await this.#tried(this.#address, body, id);
    if (UNSURE.has(answer.status)) {
      request.state = "unsure";
      say(this.#words.text("hold_unsure", { name }));
    } else {
      this.#requests.delete(unit);
      this.#keepRequests();
      this.#settle(answer, unit, name);
    }
    this.#onChange();
  }

  #settle(answer, unit, name) {
    if (answer.status === 201 || answer.status === 200) {
      const { hold } = answer.body;
      this.#memory.set("mine", [...this.#memory.get("mine", []), hold.id].slice(-50));
      this.#seen.set(hold.id, hold.state);
      this.#answered(hold, "held_now");
    } else if (answer.status === 409) {
      this.#refused({ unit, name, text: this.#whyNot(answer.body, name), next: answer.body?.next ?? [] });
    } else if (answer.status === 401 || answer.status === 403) {
      this.#mustSignIn(unit, name, answer);
      say(this.#failure(answer, name));
    } else {
      this.#refused({ unit, name, text: this.#failure(answer, name), next: [] });
    }
  }

  #whyNot({ code, why: finding } = {}, name) {
    const known = this.#words.has(`hold_no_${code}`) ? code : "not_holdable";
    const text = this.#words.text(`hold_no_${known}`, { name });
    return finding ? `${text} (${why(this.#words, finding, this.#clock.now())})` : text;
  }

  #refused(notice) {
    this.#notices.set(notice.unit, notice);
    const first = notice.next[0];
    const further = first ? `${this.#words.text("next_choice")} ${first.name}.` : "";
    say(`${notice.text} ${further}`.trim());
  }

  #mustSignIn(unit, name, answer) {
    this.#notices.set(unit, { unit, name, text: this.#failure(answer, name), next: [], signIn: true });
  }

  async #tried(url, body, id) {
    let answer;
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (tries) await new Promise((done) => setTimeout(done, AGAIN * tries));
      answer = await send("POST", url, { body, id, within: WITHIN });
      if (!UNSURE.has(answer.status)) break;
    }
    return answer;
  }

  #failure({ status, body }, name, { gone = "fail_other" } = {}) {
    if (UNSURE.has(status)) return this.#words.text("fail_unsure");
    if (status === 401) return this.#words.text("fail_signed_out");
    if (status === 403) return this.#words.text("fail_forbidden");
    if (status === 404) return this.#words.text(gone, { status });
    if (status === 409 && body?.state) {
      const state = this.#words.text(`mine_${body.state}`).toLocaleLowerCase();
      return this.#words.text("fail_state", { name, state });
    }
    return this.#words.text("fail_other", { status });
  }

  // --- what is own, and what is known of it -----------------------------------------------------

  #own() {
    const ids = new Set(this.#memory.get("mine", []));
    const told = new Map();
    for (const row of this.#rows()) {
      for (const hold of row.holds) {
        const mine = ids.has(hold.id) || (this.#account && hold.by.account === this.#account);
        if (mine) told.set(hold.id, hold);
      }
    }
    for (const [id, { hold, at }] of this.#answers) {
      const row = told.get(id);
      const known = row ? stamp(row) >= stamp(hold) : performance.now() - at > AWAITED;
      if (known) this.#answers.delete(id);
      else told.set(id, hold);
    }
    return [...told.values()];
  }

  #answered(hold, text = `said_${hold.state}`) {
    this.#answers.set(hold.id, { hold, at: performance.now() });
    this.#seen.set(hold.id, hold.state);
    say(this.#words.text(text, { name: this.#nameOf(hold.unit) }));
  }

  #tell(hold) {
    const name = this.#nameOf(hold.unit);
    const reason = reasonOf(hold, this.#words);
    if (hold.state === "declined" && reason) {
      say(this.#words.text("said_declined_why", { name, reason }));
    } else {
      say(this.#words.text(`said_${hold.state}`, { name }));
    }
  }

  #nameOf(unit) {
    return this.#rows().find((row) => row.unit === unit)?.name ?? unit;
  }

  // --- over a reload ----------------------------------------------------------------------------

  #keepRequests() {
    const kept = this.requests.map(({ unit, name, need, id, at }) => ({ unit, name, need, id, at }));
    this.#memory.set("requests", kept);
  }

  // A page that was reloaded before the answer came does not know whether the place is held. The
  // same id again gives the answer that was lost.
  #repeatCutOff() {
    for (const request of this.#memory.get("requests", [])) {
      if (this.#clock.now() - request.at > FORGOTTEN * 1000) continue;
      this.#requests.set(request.unit, request);
      this.#send(request);
    }
    this.#keepRequests();
  }
}

// Why a unit declined, in words; a code that this page does not know says nothing.
export function reasonOf(hold, words) {
  const key = `decline_${hold.reason}`;
  return hold.reason && words.has(key) ? words.text(key) : "";
}

// When a hold was last changed, by the store's clock.
function stamp(hold) {
  return hold.ended_at ?? hold.answered_at ?? hold.asked_at;
}
