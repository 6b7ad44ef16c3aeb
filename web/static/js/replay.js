// Steps, slides and plays through the past. The page was whole before this ran, and every moment is
// made by the server: the script fetches the page of another moment and takes over its parts, so
// that terms, units and agreements of that day come along and nothing is drawn twice over.

import { setAttribute, setHidden, setText } from "./dom.js";
import { say } from "./say.js";
import { clock } from "./times.js";
import { Words } from "./words.js";

const SECOND = 1000;
const MINUTE = 60_000;
const PATIENCE = 10_000; // milliseconds until a moment that does not come is given up

const words = new Words(JSON.parse(document.body.dataset.words));
const slider = document.querySelector("[data-minute]");
const moving = document.querySelector("[data-moving]");
const playButton = document.querySelector("[data-play]");
const speed = document.querySelector("[data-speed]");
const wrong = document.querySelector("[data-wrong]");

let asked = null; // the request under way; the latest one wins
let timer = 0;
let playing = false;

const at = () => Date.parse(document.body.dataset.at);
const now = () => Date.parse(document.body.dataset.now);
const timeShown = () => document.querySelector('[data-part="time"]').textContent;

// The page of another moment. Resolves to true once it is shown, to false when another was asked
// for meanwhile or it did not come.
async function show(address, { remember = "replace", quiet = false } = {}) {
  asked?.abort();
  const request = new XMLHttpRequest();
  asked = request;
  const page = await fetched(request, address);
  if (asked !== request) return false;
  asked = null;
  if (!page?.body.dataset.at) {
    fail(request);
    return false;
  }
  setHidden(wrong, true);
  take(page);
  const place = `?at=${encodeURIComponent(document.body.dataset.at)}`;
  if (remember === "push") history.pushState(null, "", place);
  else if (remember === "replace") history.replaceState(null, "", place);
  if (!quiet) say(words.text("replay_shown", { time: timeShown() }), { quiet: true });
  return true;
}

function fetched(request, address) {
  return new Promise((resolve) => {
    request.open("GET", address);
    request.responseType = "document";
    request.timeout = PATIENCE;
    request.onload = () => resolve(request.status === 200 ? request.response : null);
    request.onerror = request.ontimeout = request.onabort = () => resolve(null);
    request.send();
  });
}

// Whoever is signed out meanwhile is led to the sign-in and back; else what is shown stays, and the
// page says of when it is.
function fail(request) {
  stop();
  if (new URL(request.responseURL || location.href).pathname === "/sign-in") {
    location.reload();
    return;
  }
  setText(wrong, words.text("replay_failed", { time: timeShown() }));
  setHidden(wrong, false);
}

function take(page) {
  Object.assign(document.body.dataset, { at: page.body.dataset.at, now: page.body.dataset.now });
  document.title = page.title;
  for (const part of document.querySelectorAll("[data-part]")) {
    const other = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!isBeingFilledIn(part, other)) takePart(part, other);
  }
  for (const link of document.querySelectorAll("[data-way]")) {
    const other = page.querySelector(`[data-way="${link.dataset.way}"]`);
    for (const name of ["href", "role", "aria-disabled"]) {
      setAttribute(link, name, other.getAttribute(name));
    }
    // A link without an address leaves the keyboard's way, and the focus with it.
    setAttribute(link, "tabindex", other.hasAttribute("href") ? null : "0");
  }
  for (const link of document.querySelectorAll("[data-language]")) {
    link.href = page.querySelector(`[data-language="${link.dataset.language}"]`).href;
  }
  takeField("day", page);
  takeField("time", page);
  takeSlider(page.querySelector("[data-minute]"));
}

function takePart(part, other) {
  setAttribute(part, "datetime", other.getAttribute("datetime"));
  const open = [...part.querySelectorAll("[data-unit]:has(details[open])")].map(idOf);
  const focused = part.contains(document.activeElement)
    ? document.activeElement.closest("[data-unit]")
    : null;
  part.replaceChildren(...[...other.childNodes].map((node) => document.importNode(node, true)));
  for (const unit of part.querySelectorAll("[data-unit]")) {
    const details = unit.querySelector("details");
    if (details && open.includes(idOf(unit))) details.open = true;
    if (focused && idOf(focused) === idOf(unit)) unit.querySelector("summary")?.focus();
  }
}

// A field that is there in both and has the focus: what somebody is just choosing stays.
const isBeingFilledIn = (part, other) =>
  document.activeElement.matches("select") &&
  part.contains(document.activeElement) &&
  other.querySelector("select") !== null;

const idOf = (unit) => unit.dataset.unit;

// What somebody is just writing stays.
function takeField(id, page) {
  const field = document.getElementById(id);
  if (field !== document.activeElement) field.value = page.getElementById(id).value;
}

function takeSlider(other) {
  slider.max = other.max;
  slider.dataset.dayStart = other.dataset.dayStart;
  if (!moving.textContent) slider.value = other.value;
  tellSlider(at());
}

function tellSlider(moment) {
  setAttribute(slider, "aria-valuetext", clock(words, moment));
}

const addressOf = (moment) => `?at=${encodeURIComponent(new Date(moment).toISOString())}`;

// --- the steps and the form ---

document.querySelector(".steer").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  stop();
  if (link.href) show(link.href, { remember: "push" });
});

document.querySelector(".jump").addEventListener("submit", (event) => {
  event.preventDefault();
  stop();
  show(`?${new URLSearchParams(new FormData(event.target))}`, { remember: "push" });
});

addEventListener("popstate", () => {
  stop();
  show(location.search || location.pathname, { remember: "no" });
});

// --- the slider: minutes of the day as they went by, so that nights of 23 and 25 hours are right ---

const chosen = () => Date.parse(slider.dataset.dayStart) + slider.valueAsNumber * MINUTE;

slider.addEventListener("input", () => {
  stop();
  const moment = Math.min(chosen(), now());
  setText(moving, words.text("replay_moving", { time: clock(words, moment) }));
  tellSlider(moment);
});

slider.addEventListener("change", async () => {
  stop();
  setText(moving, "");
  await show(addressOf(Math.min(chosen(), now())));
});

// --- playing ---

playButton.addEventListener("click", () => (playing ? stop() : play()));

function play() {
  playing = true;
  setText(playButton, words.text("replay_pause"));
  tick();
}

function stop() {
  playing = false;
  clearTimeout(timer);
  setText(playButton, words.text("replay_play"));
}

async function tick() {
  const started = performance.now();
  const next = at() + Number(speed.value) * MINUTE;
  const shown = await show(addressOf(Math.min(next, now())), { quiet: true });
  if (!playing || !shown) return;
  if (next >= now()) {
    stop();
    say(words.text("replay_end"));
    return;
  }
  timer = setTimeout(tick, Math.max(0, SECOND - (performance.now() - started)));
}

for (const box of document.querySelectorAll("[data-slide], [data-play-box]")) setHidden(box, false);
tellSlider(at());
