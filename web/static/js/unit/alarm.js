// An ask must not be missed: a sound, a shake, and a title that blinks until somebody looks.
// Browsers give no sound before the page was touched once; the button says whether there is any.

const KEY = "akutoverblik.sound";
const AGAIN = 8_000; // milliseconds between two calls while an ask waits
const NOTES = [880, 1175, 880]; // hertz
const NOTE = 0.18; // seconds
const SHAKE = [300, 120, 300, 120, 300];

export class Alarm {
  #words;
  #button = document.querySelector("[data-sound]");
  #context = null;
  #wanted = readWish();
  #calling = false;
  #last = 0;
  #blink = false;
  #title = null;

  constructor(words) {
    this.#words = words;
    // Browsers differ in which of these counts as somebody being there.
    for (const kind of ["pointerup", "touchend", "click", "keydown"]) {
      addEventListener(kind, (event) => this.#unlock(event.target), { capture: true });
    }
    this.#button.addEventListener("click", () => this.#toggle());
    this.#paint();
  }

  // Something waits for an answer (or nothing does any more).
  set calling(calling) {
    if (calling && !this.#calling) this.#last = 0;
    this.#calling = calling;
    this.tick();
  }

  // Once a second.
  tick() {
    const now = performance.now();
    if (this.#calling && (this.#last === 0 || now - this.#last >= AGAIN)) {
      this.#last = now;
      this.#ring();
    }
    this.#blink = this.#calling && !this.#blink;
    this.#paintTitle();
  }

  get sounds() {
    return this.#wanted && this.#context?.state === "running";
  }

  #ring() {
    if (this.sounds) beep(this.#context);
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(SHAKE);
  }

  #unlock(target) {
    if (!this.#wanted || target === this.#button) return; // the button itself says what it does
    if (this.#speaker().state !== "running") this.#speaker().resume();
  }

  #toggle() {
    this.#wanted = !this.sounds;
    keepWish(this.#wanted);
    if (this.#wanted) {
      const speaker = this.#speaker();
      speaker.resume().then(() => beep(speaker)); // so that one hears that it is on
    }
    this.#paint();
  }

  // Made at the first touch: one that was made before would begin mute.
  #speaker() {
    if (!this.#context) {
      this.#context = new AudioContext();
      this.#context.addEventListener("statechange", () => this.#paint());
    }
    return this.#context;
  }

  #paint() {
    const on = Boolean(this.sounds);
    this.#button.setAttribute("aria-pressed", String(on));
    this.#button.textContent = this.#words.text(on ? "unit_sound_off" : "unit_sound_on");
  }

  // Whoever else sets the title meanwhile (a lost link) is not overruled for longer than a blink.
  #paintTitle() {
    if (this.#title !== null && document.title === this.#alarmTitle()) document.title = this.#title;
    this.#title = null;
    if (!this.#blink) return;
    this.#title = document.title;
    document.title = this.#alarmTitle();
  }

  #alarmTitle() {
    return this.#words.text("unit_title_ask", { title: this.#title });
  }
}

function beep(context) {
  NOTES.forEach((hertz, index) => {
    const at = context.currentTime + index * (NOTE + 0.05);
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.6, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + NOTE);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + NOTE);
  });
}

function readWish() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch (error) {
    console.info("this browser keeps nothing; sound is on", error);
    return true;
  }
}

function keepWish(on) {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch (error) {
    console.info("this browser keeps nothing", error);
  }
}
