// Two tones, where the browser allows a page to make a sound by itself. They come often at first,
// so that somebody looks up, then once a minute, so that nobody pulls the plug.

const OFTEN = 5_000;
const SELDOM = 60_000;
const AT_FIRST = 60_000; // milliseconds of it coming often
const TONES = [660, 880]; // hertz
const LENGTH = 0.3; // seconds of each

export class Sound {
  #context = null;
  #timer = 0;
  #begun = 0;
  #onChange;

  // onChange(allowed) is called whenever the browser begins or ceases to allow sound.
  constructor(onChange) {
    this.#onChange = onChange;
    if (typeof AudioContext === "function") {
      this.#context = new AudioContext();
      this.#context.onstatechange = () => this.#told();
      // A screen has no controls, but whoever sets it up may touch it or press a key.
      for (const touch of ["pointerdown", "keydown"]) {
        addEventListener(touch, () => this.#context.resume());
      }
    }
    this.#told();
  }

  get allowed() {
    return this.#context?.state === "running";
  }

  start() {
    this.stop();
    this.#begun = performance.now();
    this.#beep();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #beep() {
    if (this.allowed) TONES.forEach((tone, place) => this.#play(tone, place * LENGTH));
    const fresh = performance.now() - this.#begun < AT_FIRST;
    this.#timer = setTimeout(() => this.#beep(), fresh ? OFTEN : SELDOM);
  }

  // Swells and fades, as a hard edge would click.
  #play(tone, after) {
    const begin = this.#context.currentTime + after;
    const [source, volume] = [this.#context.createOscillator(), this.#context.createGain()];
    source.frequency.value = tone;
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(0.5, begin + LENGTH * 0.2);
    volume.gain.linearRampToValueAtTime(0, begin + LENGTH);
    source.connect(volume).connect(this.#context.destination);
    source.start(begin);
    source.stop(begin + LENGTH);
  }

  #told() {
    this.#onChange(this.allowed);
  }
}
