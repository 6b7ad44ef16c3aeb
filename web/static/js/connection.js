// The live channel: connect, resume from the last cursor, notice silence, and try again.
// Losing the link and starting are one path: both end in connecting with what cursor there is.

const ENDED = new Set([1008, 4401, 4403]); // the server no longer accepts our sign-in
const SLEPT = 10_000; // the wall clock ran this much further: the PC slept, or its clock was set

export class Connection {
  #address;
  #cursor;
  #timing;
  #onFrame;
  #onState;
  #socket = null;
  #heard = 0;
  #tries = 0;
  #ended = false; // our sign-in was refused, and no try has succeeded since
  #retryTimer = 0;
  #watchTimer = 0;
  #lastLook;

  // onFrame(frame) is called for every frame; if it throws, the link is lost and a snapshot asked
  // for. onState({ name, retryAt, ended }) tells "live" or "lost"; retryAt is on performance.now().
  constructor({ address, cursor, timing, onFrame, onState }) {
    this.#address = address;
    this.#cursor = cursor;
    this.#timing = timing;
    this.#onFrame = onFrame;
    this.#onState = onState;
  }

  start() {
    this.#look();
    this.#watchTimer = setInterval(() => this.#watch(), Math.min(1000, this.#timing.watchdog / 4));
    this.#open();
  }

  stop() {
    clearInterval(this.#watchTimer);
    clearTimeout(this.#retryTimer);
    this.#leave();
  }

  // Something shown cannot be right: start again from a snapshot.
  restart() {
    this.#cursor = "";
    this.#drop();
  }

  retryNow() {
    if (!this.#socket) this.#open();
  }

  #open() {
    clearTimeout(this.#retryTimer);
    const since = this.#cursor ? `?since=${encodeURIComponent(this.#cursor)}` : "";
    const socket = new WebSocket(this.#address + since);
    this.#socket = socket;
    this.#heard = performance.now();
    socket.onmessage = (event) => socket === this.#socket && this.#receive(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#drop(ENDED.has(event.code));
  }

  #receive(text) {
    this.#heard = performance.now();
    let frame;
    try {
      frame = JSON.parse(text);
      this.#onFrame(frame);
    } catch (error) {
      console.error("a frame could not be used; asking for a snapshot", error);
      this.restart();
      return;
    }
    this.#cursor = frame.cursor ?? this.#cursor;
    this.#tries = 0;
    this.#ended = false;
    // A server that has lost its store says so: its figures stand still although the link lives.
    this.#onState(frame.live === false ? { name: "lost" } : { name: "live" });
  }

  #drop(ended = false) {
    this.#leave();
    this.#ended ||= ended;
    const ceiling = Math.min(this.#timing.retryMax, this.#timing.retry * 2 ** this.#tries);
    const delay = ceiling * (0.5 + Math.random() / 2); // jitter: a thousand boards come back
    this.#tries += 1;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#open(), delay);
    this.#onState({ name: "lost", retryAt: performance.now() + delay, ended: this.#ended });
  }

  // A half-dead socket may take minutes to close; what it still says is ignored.
  #leave() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) socket.close();
  }

  // A muted socket never fires onclose, and after a sleep performance.now() may have stood still.
  #watch() {
    const slept = this.#look() > SLEPT;
    if (this.#socket && (slept || performance.now() - this.#heard > this.#timing.watchdog)) {
      this.#drop();
    }
  }

  #look() {
    const before = this.#lastLook;
    this.#lastLook = { wall: Date.now(), steady: performance.now() };
    if (!before) return 0;
    return this.#lastLook.wall - before.wall - (this.#lastLook.steady - before.steady);
  }
}
