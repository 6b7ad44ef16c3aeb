// The one polite voice of the page: what came of a person's own actions. It lies over the page, so
// that nothing moves when it speaks.

const SEEN = 8000; // milliseconds; to the ear, and to whoever looks for it, the words stay

let timer = 0;

// `quiet` is for what the eye sees elsewhere already; `stay` for what somebody has to act upon. The
// same words twice are said twice.
export function say(text, { quiet = false, stay = false } = {}) {
  const voice = document.querySelector("[data-status]");
  if (!voice) return;
  clearTimeout(timer);
  voice.classList.toggle("unseen", quiet);
  voice.textContent = voice.textContent === text ? `${text}\u00a0` : text;
  if (!stay) timer = setTimeout(() => voice.classList.add("unseen"), SEEN);
}
