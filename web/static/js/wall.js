// A wall screen cannot be scrolled: whatever it has to show must fit. The size of everything
// follows the root font size, which this makes as large as the figures leave room for.

const LARGEST = 1 / 76; // of the width of the screen
const SMALLEST = 1 / 150;
const ROUNDS = 7; // of halving what lies between: to within a hundredth
const WORTH = 1.02; // text does not change its size all the time for less than this

// Narrower than this a page is read near by, and scrolls like any other (as in wall.css).
const NARROW = matchMedia("(max-width: 60rem)");

let fitted = "";

export function fitWall() {
  const root = document.documentElement;
  if (NARROW.matches) {
    root.style.fontSize = "";
    return;
  }
  if (state() === fitted) return;
  const before = parseFloat(getComputedStyle(root).fontSize);
  const fits = (size) => {
    root.style.fontSize = `${size}px`;
    return bottom() <= innerHeight;
  };
  const best = largest(fits, innerWidth * SMALLEST, innerWidth * LARGEST);
  const keep = before <= best && best < before * WORTH;
  fits(keep ? before : best);
  fitted = state();
}

// The largest size found to fit, else the smallest there may be.
function largest(fits, low, high) {
  if (fits(high)) return high;
  let [fitting, failing] = [low, high];
  for (let round = 0; round < ROUNDS; round += 1) {
    const size = (fitting + failing) / 2;
    if (fits(size)) fitting = size;
    else failing = size;
  }
  return fitting;
}

const state = () => `${bottom()} ${innerWidth} ${innerHeight}`;

function bottom() {
  const main = document.querySelector("main");
  const last = main.lastElementChild.getBoundingClientRect().bottom;
  const { paddingBottom, borderBottomWidth, marginBottom } = getComputedStyle(main);
  const below = [paddingBottom, borderBottomWidth, marginBottom].map(parseFloat);
  return below.reduce((sum, part) => sum + part, last + scrollY);
}
