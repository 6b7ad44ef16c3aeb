// When a tap was made, by the server's clock, also while the server is out of reach.
//
// The page's steady clock may stand still while a phone sleeps, and is gone after a reload. So
// while the link lives, the difference between the server's clock and the phone's own is noted;
// without the link the phone's own clock, set right by it, tells the time.

const KEY = "akutoverblik.skew";
const AHEAD = 1; // milliseconds between two taps at least: an equal moment would be superseded

export class Moment {
  #clock;
  #skew = readSkew();
  #last = 0;
  #live = false;

  constructor(clock) {
    this.#clock = clock;
  }

  // The link lives, or is lost.
  set live(live) {
    this.#live = live;
  }

  // The server has just told its time.
  heard() {
    this.#skew = this.#clock.now() - Date.now();
    keepSkew(this.#skew);
  }

  now() {
    const steady = this.#clock.now();
    return this.#live ? steady : Math.max(steady, Date.now() + this.#skew);
  }

  // A moment of its own for every tap, as ISO 8601 text.
  take() {
    this.#last = Math.max(Math.trunc(this.now()), this.#last + AHEAD);
    return new Date(this.#last).toISOString();
  }
}

// What the server's clock said is the best start for a page that has not met the server yet.
export function likelyTime() {
  return new Date(Date.now() + readSkew()).toISOString();
}

function readSkew() {
  try {
    return Number(localStorage.getItem(KEY)) || 0;
  } catch (error) {
    console.info("this browser keeps nothing; the phone's clock is taken as right", error);
    return 0;
  }
}

function keepSkew(skew) {
  try {
    localStorage.setItem(KEY, String(Math.round(skew)));
  } catch (error) {
    console.info("this browser keeps nothing", error);
  }
}
