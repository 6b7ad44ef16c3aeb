// Small hands for the document: each changes only what differs, so that nothing is painted twice.

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

export function setMark(use, mark) {
  setAttribute(use, "href", `#mark-${mark}`);
}

// Every part of an element that is named as a slot; the others keep what they say.
export function fillSlots(element, texts) {
  for (const slot of element.querySelectorAll("[data-slot]")) {
    const text = texts[slot.dataset.slot];
    if (text !== undefined) fillSlot(slot, text);
  }
}

// The same for a part that is written once and stands inside another that is filled again and again.
export function fillOnce(element, texts) {
  fillSlots(element, texts);
  for (const slot of element.querySelectorAll("[data-slot]")) delete slot.dataset.slot;
}

// What has nothing to say is hidden, and in a list of terms its term too.
export function fillSlot(slot, text) {
  setText(slot, text);
  setHidden(slot.tagName === "DD" ? slot.parentElement : slot, text === "");
}

export function dial(link, phone) {
  const digits = (phone ?? "").replace(/\D/g, "");
  const abroad = (phone ?? "").trim().startsWith("+") ? "+" : digits.length === 8 ? "+45" : "";
  setAttribute(link, "href", `tel:${abroad}${digits}`);
  setHidden(link, !phone);
}

// A new element from the page's template of that name.
export function blank(name) {
  const template = document.querySelector(`template[data-blank="${name}"]`);
  return template.content.firstElementChild.cloneNode(true);
}

// A button that cannot be used keeps its place in the keyboard's way and says why: `disabled` would
// take the focus from whoever stands on it.
export function setOff(button, off, describedBy = null) {
  setAttribute(button, "aria-disabled", off ? "true" : null);
  setAttribute(button, "aria-describedby", off ? describedBy : null);
}

export const isOff = (button) => button.getAttribute("aria-disabled") === "true";
