// What the checks of tests/support/accessibility measure in a page. An expression: an object of
// functions, each returning a list of faults in words. Nothing here knows our pages.
(() => {
  const TARGETS =
    "a[href], button, input:not([type=hidden]), select, textarea, summary, " +
    "[role=button], [role=link], [role=checkbox], [role=radio], [role=tab], [role=switch], " +
    "[role=option], [role=menuitem], [tabindex]:not([tabindex^='-'])";

  const seen = (element) =>
    element.checkVisibility({
      opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true,
    });

  // Text for screen readers only: a box of a pixel, or clipped to nothing. A skip link waits
  // outside the page until it gets the focus.
  function unseen(element) {
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.clipPath === "inset(50%)" || style.clip === "rect(0px, 0px, 0px, 0px)") return true;
      if (style.position === "absolute" && e.matches("a[href^='#']") && bottom(e) <= 0) return true;
    }
    return false;
  }

  const bottom = (element) => element.getBoundingClientRect().bottom + scrollY;

  function named(element) {
    const text = (element.innerText || element.value || element.ariaLabel || "").trim();
    const id = element.id ? `#${element.id}` : "";
    const kind = element.getAttribute("class") ? `.${element.getAttribute("class").trim().split(/\s+/)[0]}` : "";
    return `<${element.localName}${id}${kind}> ${JSON.stringify(text.slice(0, 40))}`;
  }

  // Every visible piece of text with its lines' boxes.
  function* texts() {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode;
      const element = node.parentElement;
      if (!node.data.trim() || element.closest("noscript, script, style, template")) continue;
      if (!seen(element) || unseen(element)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter((box) => box.width > 0.5 && box.height > 0.5);
      if (boxes.length) yield { node, element, boxes };
    }
  }

  // --- clipping and overlap -------------------------------------------------------------------

  const cuts = (value) => value === "hidden" || value === "clip";

  function clipped(allowed) {
    const faults = new Set();
    const width = document.documentElement.clientWidth;
    for (const { element, boxes } of texts()) {
      if (allowed && element.closest(allowed)) continue;
      for (const box of boxes) {
        if (box.right > width + 1 || box.left < -1) {
          if (!insideScroller(element)) faults.add(`outside the page: ${named(element)}`);
        }
        if (box.top + scrollY < -1 && !insideScroller(element)) {
          faults.add(`above the page: ${named(element)}`);
        }
      }
      // What is positioned leaves the boxes of ancestors that are not positioned themselves.
      let escapes = getComputedStyle(element).position;
      for (let e = element; e && e !== document.documentElement; e = e.parentElement) {
        const style = getComputedStyle(e);
        const free =
          e !== element &&
          (escapes === "fixed" || (escapes === "absolute" && style.position === "static"));
        if (!free && style.display !== "inline" && e !== document.body) {
          const holder = inner(e);
          for (const box of boxes) {
            const wide = box.right > holder.right + 1 || box.left < holder.left - 1;
            const high = box.bottom > holder.bottom + 2 || box.top < holder.top - 2;
            const cutHigh = cuts(style.overflowY) && high && !lineHeightOnly(box, holder);
            if ((cuts(style.overflowX) && wide) || cutHigh) {
              faults.add(`cut by ${named(e).split(" ")[0]}: ${named(element)}`);
            }
          }
        }
        if (style.position !== "static" && !free) escapes = style.position;
      }
    }
    for (const element of document.querySelectorAll("body *")) {
      if (!seen(element) || unseen(element) || (allowed && element.closest(allowed))) continue;
      const style = getComputedStyle(element);
      if (cuts(style.overflowX) && element.scrollWidth > element.clientWidth + 1) {
        if (element.innerText?.trim()) faults.add(`wider than its box: ${named(element)}`);
      }
    }
    return [...faults];
  }

  // Glyph boxes reach over a tight line without any ink there.
  const lineHeightOnly = (box, holder) =>
    box.bottom - holder.bottom < box.height * 0.25 && holder.top - box.top < box.height * 0.25;

  function inner(element) {
    const box = element.getBoundingClientRect();
    const left = box.left + element.clientLeft;
    const top = box.top + element.clientTop;
    const right = element.clientWidth ? left + element.clientWidth : box.right;
    const low = element.clientHeight ? top + element.clientHeight : box.bottom;
    return { left, top, right, bottom: low };
  }

  function insideScroller(element) {
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      const { overflowX, overflowY, position } = getComputedStyle(e);
      if ([overflowX, overflowY].some((way) => way === "auto" || way === "scroll")) return true;
      if (position === "fixed") return true;
    }
    return false;
  }

  // Two pieces of text over each other, where neither lies in something meant to lie on top.
  function overlapping() {
    const lines = [];
    for (const { element, boxes } of texts()) {
      const layer = layerOf(element);
      for (const box of boxes.map((each) => uncut(ink(each), element))) {
        if (box.height > 2 && box.right - box.left > 1) lines.push({ element, layer, box });
      }
    }
    const faults = new Set();
    for (const [i, a] of lines.entries()) {
      for (const b of lines.slice(i + 1)) {
        if (a.element === b.element || a.layer !== b.layer) continue;
        const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        if (wide > 1 && high > 0.2 * Math.min(a.box.height, b.box.height)) {
          faults.add(`${named(a.element)} lies over ${named(b.element)}`);
        }
      }
    }
    return [...faults];
  }

  // Where letters are: a line's box is a good deal higher than what is printed in it.
  const ink = ({ left, right, top, height }) => ({
    left, right, top: top + height * 0.2, bottom: top + height * 0.8, height: height * 0.6,
  });

  // What is left of a box where its ancestors cut it off or scroll it away.
  function uncut(box, element) {
    let { left, right, top, bottom } = box;
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      const { overflowX, display } = getComputedStyle(e);
      if (overflowX === "visible" || display === "inline") continue;
      const holder = inner(e);
      [left, right] = [Math.max(left, holder.left), Math.min(right, holder.right)];
      [top, bottom] = [Math.max(top, holder.top), Math.min(bottom, holder.bottom)];
    }
    return { left, right, top, bottom, height: bottom - top };
  }

  function layerOf(element) {
    for (let e = element; e; e = e.parentElement) {
      const { position, zIndex } = getComputedStyle(e);
      if (["fixed", "sticky"].includes(position) || e.matches("dialog, [popover]")) return e;
      if (position !== "static" && zIndex !== "auto") return e;
    }
    return null;
  }

  function sideways() {
    const root = document.documentElement;
    const faults = [];
    if (root.scrollWidth > root.clientWidth) {
      const wide = [...document.querySelectorAll("body *")].filter(
        (e) => seen(e) && !unseen(e) && e.getBoundingClientRect().right > root.clientWidth + 1,
      );
      const name = wide.length ? named(wide.at(-1)) : "something";
      faults.push(`the page is ${root.scrollWidth} wide in ${root.clientWidth}: ${name}`);
    }
    for (const element of document.querySelectorAll("body *")) {
      const scrolls = ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
      if (scrolls && seen(element) && element.scrollWidth > element.clientWidth + 1) {
        faults.push(`scrolls sideways: ${named(element)}`);
      }
    }
    return faults;
  }

  // --- targets (WCAG 2.2, 2.5.8) --------------------------------------------------------------

  const LEAST = 24;

  function targets() {
    const found = [...document.querySelectorAll(TARGETS)]
      .filter((e) => seen(e) && !unseen(e) && !e.disabled && !inSentence(e))
      .map((element) => ({ element, box: hitBox(element) }))
      .filter(({ box }) => box.width && box.height);
    const small = found.filter(({ box }) => box.width < LEAST - 0.1 || box.height < LEAST - 0.1);
    const faults = [];
    for (const one of small) {
      const middle = centre(one.box);
      const crowd = found.find((other) => {
        if (other === one || one.element.contains(other.element)) return false;
        if (other.element.contains(one.element)) return false;
        if (small.includes(other)) return apart(middle, centre(other.box)) < LEAST;
        return toBox(middle, other.box) < LEAST / 2;
      });
      if (crowd) {
        const { width, height } = one.box;
        const size = `${Math.round(width)}×${Math.round(height)}`;
        faults.push(`${size}, too near ${named(crowd.element)}: ${named(one.element)}`);
      }
    }
    return faults;
  }

  // A label that holds its control is pressed with it.
  function hitBox(element) {
    const label = element.matches("input") ? element.labels?.[0] : null;
    const [a, b] = [element, label ?? element].map((e) => e.getBoundingClientRect());
    if (!label || !seen(label)) return a;
    const [left, top] = [Math.min(a.left, b.left), Math.min(a.top, b.top)];
    return new DOMRect(
      left, top, Math.max(a.right, b.right) - left, Math.max(a.bottom, b.bottom) - top,
    );
  }

  function inSentence(element) {
    if (getComputedStyle(element).display !== "inline") return false;
    const around = element.closest("p, li, dd, td, span")?.cloneNode(true);
    if (!around) return false;
    for (const inner of around.querySelectorAll("a, button")) inner.remove();
    return around.textContent.trim().length > 0;
  }

  const centre = (box) => [box.left + box.width / 2, box.top + box.height / 2];
  const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const toBox = ([x, y], box) =>
    Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));

  // --- contrast -------------------------------------------------------------------------------

  const rgba = (text) => {
    const parts = text.match(/[\d.]+%?/g)?.map((n) => parseFloat(n)) ?? [0, 0, 0, 0];
    return text.startsWith("color(srgb")
      ? [...parts.slice(0, 3).map((v) => v * 255), parts[3] ?? 1]
      : [parts[0], parts[1], parts[2], parts[3] ?? 1];
  };

  const over = (front, back) =>
    [0, 1, 2].map((i) => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);

  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };

  function ratio(a, b) {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  }

  // Every colour that may lie behind an element: each stripe of a hatching is one.
  function behind(element) {
    const stack = [];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      const plain = rgba(style.backgroundColor);
      const drawn = [...style.backgroundImage.matchAll(/(?:rgba?|color)\([^)]*\)/g)].map((m) => rgba(m[0]));
      stack.push({ plain, drawn });
      if (plain[3] === 1) break;
    }
    let colours = [[255, 255, 255, 1]];
    for (const { plain, drawn } of stack.reverse()) {
      colours = colours.map((c) => over(plain, c));
      if (drawn.length) colours = drawn.flatMap((d) => colours.map((c) => over(d, c)));
    }
    return colours;
  }

  function opacity(element) {
    let all = 1;
    for (let e = element; e; e = e.parentElement) all *= Number(getComputedStyle(e).opacity);
    return all;
  }

  const worst = (colour, element, backs) => {
    const front = [...colour.slice(0, 3), colour[3] * opacity(element)];
    return Math.min(...backs.map((back) => ratio(over(front, back), back)));
  };

  function pale() {
    const faults = new Set();
    for (const { element } of texts()) {
      if (element.closest(":disabled, [aria-disabled=true]")) continue;
      const style = getComputedStyle(element);
      const large =
        parseFloat(style.fontSize) >= 24 ||
        (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
      const found = worst(rgba(style.color), element, behind(element));
      if (found < (large ? 3 : 4.5)) faults.add(`${found.toFixed(2)}: ${named(element)}`);
    }
    return [...faults];
  }

  // Signs and the edges of fields (1.4.11): 3 to 1.
  function marks() {
    const faults = [];
    for (const svg of document.querySelectorAll("svg")) {
      if (!seen(svg) || svg.getBoundingClientRect().width < 2) continue;
      const style = getComputedStyle(svg);
      const paints = [style.fill, style.stroke].filter((paint) => paint.startsWith("rgb"));
      const best = Math.max(...paints.map((p) => worst(rgba(p), svg, behind(svg.parentElement))));
      if (paints.length && best < 3) {
        faults.push(`${best.toFixed(2)}: sign in ${named(svg.parentElement)}`);
      }
    }
    for (const field of document.querySelectorAll("input, select, textarea")) {
      if (!seen(field) || unseen(field) || field.disabled) continue;
      const style = getComputedStyle(field);
      if (["checkbox", "radio", "hidden"].includes(field.type) && style.appearance === "auto") continue;
      const around = behind(field.parentElement);
      const border = parseFloat(style.borderTopWidth) ? rgba(style.borderTopColor) : [0, 0, 0, 0];
      const edges = [worst(border, field, around)];
      edges.push(worst(rgba(style.backgroundColor), field, around));
      if (Math.max(...edges) < 3) faults.push(`${Math.max(...edges).toFixed(2)}: edge of ${named(field)}`);
    }
    return faults;
  }

  // --- the document ---------------------------------------------------------------------------

  function page(lang) {
    const faults = [];
    const told = document.documentElement.lang;
    if (told !== lang) faults.push(`the page says it is in "${told}", not "${lang}"`);
    if (!document.title.trim()) faults.push("the page has no title");
    const heads = [...document.querySelectorAll("h1")].filter(seen);
    if (heads.length !== 1) faults.push(`${heads.length} main headings`);
    const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
    const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
    if (twice.length) faults.push(`the same id twice: ${[...new Set(twice)].join(", ")}`);
    return faults;
  }

  // --- motion ---------------------------------------------------------------------------------

  const running = () => document.getAnimations().filter((a) => a.playState === "running");

  const subject = (animation) => named(animation.effect?.target ?? document.body);

  // With reduced motion nothing goes on by itself; what only waits, unchanged, may wait.
  function moving() {
    return running()
      .filter((a) => {
        const { delay } = a.effect.getComputedTiming();
        return !(a.currentTime !== null && a.currentTime < delay);
      })
      .map((a) => `moves although asked not to: ${subject(a)}`);
  }

  // Each full swing is a flash; three within a second may cause seizures (2.3.1).
  function flashing() {
    return running().flatMap((a) => {
      const { duration, iterations, direction } = a.effect.getComputedTiming();
      const swings = Math.max(1, a.effect.getKeyframes().length - 1) / 2;
      const each = direction.startsWith("alternate") ? swings : Math.max(1, swings);
      const rate = iterations > 1 ? (each * 1000) / duration : 0;
      return rate >= 3 ? [`${rate.toFixed(1)} flashes a second: ${subject(a)}`] : [];
    });
  }

  // --- the keyboard ---------------------------------------------------------------------------

  const LOOKS = [
    "outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "backgroundColor",
    "borderTopColor", "borderTopWidth", "borderBottomColor", "color", "textDecorationLine",
  ];
  const look = (element) => {
    const style = getComputedStyle(element);
    return LOOKS.map((name) => style[name]);
  };
  let resting = new Map();

  // How everything looks without the focus; and what must be reached by Tab.
  function rest() {
    // Tab goes on from where the focus was last, even after it is gone: from the top, then.
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.blur();
    document.body.removeAttribute("tabindex");
    const all = [...document.querySelectorAll(TARGETS)].filter((e) => seen(e) && e.tabIndex >= 0);
    resting = new Map(all.map((e) => [e, look(e)]));
    const modal = document.querySelector(":modal");
    const asked = all.filter((e) => {
      if (e.disabled || e.closest("fieldset:disabled, [inert]")) return false;
      if (modal && !modal.contains(e)) return false;
      if (e.type !== "radio") return true;
      const group = all.filter((o) => o.type === "radio" && o.name === e.name && o.form === e.form);
      return e.checked || (!group.some((o) => o.checked) && group[0] === e);
    });
    asked.forEach((e, i) => e.setAttribute("data-check-stop", String(i)));
    return asked.length;
  }

  // What is said of the element that has the focus.
  function stop() {
    const element = document.activeElement;
    if (!element || element === document.body) return { body: true, faults: [], stop: null };
    const faults = [];
    const style = getComputedStyle(element);
    const before = resting.get(element);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    const changed = before && look(element).some((value, i) => value !== before[i] && i > 2);
    if (!outlined && !changed) faults.push(`no visible focus: ${named(element)}`);
    if (outlined && !changed) {
      const around = style.outlineStyle === "auto" ? [] : behind(
        parseFloat(style.outlineOffset) < 0 ? element : element.parentElement,
      );
      const found = around.length ? worst(rgba(style.outlineColor), element, around) : 3;
      if (found < 3) faults.push(`focus ${found.toFixed(2)} to 1: ${named(element)}`);
    }
    if (covered(element)) faults.push(`focused out of sight: ${named(element)}`);
    return { body: false, faults, stop: element.getAttribute("data-check-stop") };
  }

  // Wholly hidden (2.4.11): no point of it is its own.
  function covered(element) {
    for (const box of element.getClientRects()) {
      for (const x of [0.1, 0.5, 0.9]) {
        for (const y of [0.15, 0.5, 0.85]) {
          const hit = document.elementFromPoint(
            box.left + box.width * x, box.top + box.height * y,
          );
          if (hit && (hit === element || element.contains(hit) || hit.contains(element))) {
            if (!hit.contains(element) || hit === element) return false;
            if (hit.matches("label, summary")) return false;
          }
        }
      }
    }
    return true;
  }

  const missed = (reached) =>
    [...document.querySelectorAll("[data-check-stop]")]
      .filter((e) => seen(e) && !reached.includes(e.getAttribute("data-check-stop")))
      .map((e) => `not reached by Tab: ${named(e)}`);

  return {
    clipped, overlapping, sideways, targets, pale, marks, page, moving, flashing, rest, stop, missed,
  };
})()
