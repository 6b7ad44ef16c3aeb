// The server's clock in the browser. The PC's own clock is never asked: it may be wrong, or be
// changed while the page is open. performance.now() only ever runs forward.

const KEPT = 12; // about a minute of heartbeats

export class ServerClock {
  #samples = [];
  #offset;

  // The page was written just before its first byte came; good enough until a frame tells better.
  constructor(serverTime) {
    const [navigation] = performance.getEntriesByType("navigation");
    this.#offset = Date.parse(serverTime) - (navigation?.responseStart ?? 0);
  }

  // A frame can only be late, never early, so the largest difference is the nearest to the truth.
  sample(serverTime) {
    const millis = Date.parse(serverTime);
    if (Number.isNaN(millis)) return;
    this.#samples.push(millis - performance.now());
    if (this.#samples.length > KEPT) this.#samples.shift();
    this.#offset = Math.max(...this.#samples);
  }

  // Milliseconds since 1970 as the server counts them.
  now() {
    return performance.now() + this.#offset;
  }
}
