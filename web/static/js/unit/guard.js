// A gloved hand strikes twice, and something may appear under a finger that is on its way down:
// a button is deaf for a moment after any button was pressed, and after the page has moved.

const TWICE = 400; // milliseconds
const MOVED = 700;

let deafUntil = 0;
let stood = null;

export function watchTaps() {
  document.addEventListener("click", (event) => judge(event), { capture: true });
}

// Whether a button that is pressed now does nothing.
export function isDeaf() {
  return performance.now() < deafUntil;
}

// What is on the screen has just changed place.
export function pageMoved() {
  deafUntil = Math.max(deafUntil, performance.now() + MOVED);
}

// A line more above the buttons, and they stand elsewhere than the finger thinks.
export function watchPlace() {
  const now = document.querySelector(".acts").offsetTop;
  if (stood !== null && stood !== now) pageMoved();
  stood = now;
}

function judge(event) {
  if (!event.target.closest?.("button")) return;
  if (isDeaf()) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  deafUntil = performance.now() + TWICE;
}
