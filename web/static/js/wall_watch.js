// What a wall screen can tell of itself: that it no longer draws, that its clock is off, and that
// it must not go to sleep.

const STILL = 5_000; // milliseconds without a frame drawn, on a screen that is in sight
const OFF = 5_000; // milliseconds between our clock and the server's
const TWICE = 2; // one late message is no wrong clock

// Asks for a frame each tick and sees whether the last one came.
export class Drawing {
  #asked = null;

  // Whether the screen stands still.
  tick() {
    const now = performance.now();
    if (document.visibilityState !== "visible") this.#asked = null;
    if (this.#asked === null) {
      this.#asked = now;
      requestAnimationFrame(() => {
        this.#asked = null;
      });
    }
    return now - this.#asked > STILL;
  }
}

// Compares our clock with each message's.
export class ClockCheck {
  #times = 0;

  // Whether it is off, by now.
  saw(serverTime, ours) {
    const apart = Math.abs(Date.parse(serverTime) - ours);
    this.#times = apart > OFF ? this.#times + 1 : 0;
    return this.#times >= TWICE;
  }
}

// The last resort needs no script: an animation that would show it runs out unless it is set back,
// and it is drawn by another thread than the one that may hang.
export class Deadman {
  #animations;

  constructor(element) {
    this.#animations = element.getAnimations();
  }

  tick() {
    for (const animation of this.#animations) animation.currentTime = 0;
  }
}

// Browsers allow it only while the page is in sight, and only on a secure address.
export function stayAwake() {
  const ask = async () => {
    if (!navigator.wakeLock || document.visibilityState !== "visible") return;
    await navigator.wakeLock.request("screen").catch((error) => {
      console.info("the screen may go to sleep", error.message);
    });
  };
  document.addEventListener("visibilitychange", ask);
  return ask();
}
