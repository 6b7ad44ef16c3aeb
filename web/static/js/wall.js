// A wall screen cannot be scrolled: whatever it has to show must fit. The size of everything
// follows the root font size, which this makes smaller when the figures would run off the screen.

const LARGEST = 1 / 76; // of the width of the screen
const SMALLEST = 1 / 150;
const SLACK = 0.94; // below this part of the height the text may grow again

export function fitWall() {
  const root = document.documentElement;
  const largest = innerWidth * LARGEST;
  let size = parseFloat(getComputedStyle(root).fontSize);
  for (let tries = 0; tries < 8; tries += 1) {
    const filled = bottom() / innerHeight;
    if (filled <= 1 && (filled > SLACK || size >= largest)) return;
    size = Math.max(innerWidth * SMALLEST, Math.min(largest, size * (0.985 / filled)));
    root.style.fontSize = `${size}px`;
    if (size === innerWidth * SMALLEST) return;
  }
}

function bottom() {
  const main = document.querySelector("main");
  const last = main.lastElementChild.getBoundingClientRect().bottom;
  return last + scrollY + parseFloat(getComputedStyle(main).paddingBottom);
}
