// The one polite voice of the page: what came of a person's own actions.

// `quiet` is for what the eye sees elsewhere already. The same words twice are said twice.
export function say(text, { quiet = false } = {}) {
  const voice = document.querySelector("[data-status]");
  if (!voice) return;
  voice.classList.toggle("unseen", quiet);
  voice.textContent = voice.textContent === text ? `${text}\u00a0` : text;
}
