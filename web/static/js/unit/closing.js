// The dialog that closes a unit: why, until when, and whether it then opens by itself.

import { fromWall, wallOf } from "./wall_time.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const one = (selector) => document.querySelector(selector);

let wired = false;

// Asks, and calls act({ close: { reason, reopens_at, reopens_itself } }) when it is decided.
export function askClosing(words, moment, act) {
  const dialog = one("[data-closing]");
  const form = dialog.querySelector("form");
  form.reset();
  form.elements.when.value = wallOf(moment.now() + 2 * HOUR);
  show(form);
  if (!wired) {
    wired = true;
    form.addEventListener("change", () => show(form));
    one("[data-close-do]").addEventListener("click", () => decide(dialog, form, words, moment, act));
  }
  dialog.showModal();
  dialog.scrollTop = 0;
}

function show(form) {
  const { until, reason } = form.elements;
  form.querySelector("[data-when]").hidden = until.value !== "at";
  form.querySelector("[data-itself]").hidden = until.value === "unknown";
  form.querySelector("[data-close-do]").disabled = reason.value === "";
  form.querySelector("[data-when-error]").textContent = "";
}

function decide(dialog, form, words, moment, act) {
  const { until, reason, itself } = form.elements;
  const now = moment.now();
  const at = reopening(until.value, form.elements.when.value, now);
  if (at !== null && !(at > now)) {
    form.querySelector("[data-when-error]").textContent = words.text("unit_bad_time");
    form.elements.when.focus();
    return;
  }
  dialog.close();
  act({
    close: {
      reason: reason.value,
      reopens_at: at === null ? null : new Date(at).toISOString(),
      reopens_itself: at !== null && itself.checked,
    },
  });
}

// Milliseconds since 1970, null for not known, NaN for a time that cannot be.
function reopening(until, when, now) {
  if (until === "unknown") return null;
  if (until === "in_2") return now + 2 * HOUR;
  if (until === "in_4") return now + 4 * HOUR;
  if (until === "morning") return fromWall(`${wallOf(now + DAY).slice(0, 10)}T07:00`);
  return fromWall(when);
}
