// A page outlives its session. This says so over the page, leaves everything on it as it is, and
// lets what was being done go on once somebody has signed in again, in another tab or here.

const SESSION = "/api/v1/session";
const WITHIN = 8_000; // milliseconds
const PAUSE = 4_000; // between two looks at a session while the link is lost

let looked = -PAUSE;

// The token that changing requests carry: it belongs to the session.
export const pageToken = () => meta()?.content;

// The server knows nobody here: 401.
export function sayEnded() {
  show("ended");
}

// Asks who is signed in by now. Resolves to true when it is who this page was made for, under
// another token than this page had: what was refused may be tried once more.
export async function renewed() {
  const { status, session } = await ask();
  if (status === 401) show("ended");
  if (status !== 200 || !meta()) return false;
  if (isAnother(session)) {
    show("other");
    return false;
  }
  const over = box() && !box().hidden;
  show(null);
  if (over) dispatchEvent(new Event("online")); // as after any outage: connect without waiting
  const fresh = session.csrf !== meta().content;
  meta().content = session.csrf;
  return fresh;
}

// The live channel is lost; `ended` when the server has closed it as no longer allowed. Whether
// the session or a right has ended cannot be seen from the channel alone.
export async function linkIsLost(ended) {
  if (!meta() || (!ended && performance.now() - looked < PAUSE)) return;
  looked = performance.now();
  const { status, session } = await ask();
  if (status === 401) show("ended");
  else if (status === 200 && isAnother(session)) show("other");
  else if (status === 200 && (ended || hasOtherRole(session))) show("right");
}

// Everything works: whatever was said is over.
export function linkIsLive() {
  if (!box() || box().hidden || box().dataset.shown === "other") return;
  renewed();
}

async function ask() {
  try {
    const answer = await fetch(SESSION, {
      headers: { Accept: "application/json" },
      cache: "no-store",
      signal: AbortSignal.timeout(WITHIN),
    });
    return { status: answer.status, session: await answer.json().catch(() => null) };
  } catch {
    return { status: 0, session: null };
  }
}

function show(what) {
  const element = box();
  if (!element || element.dataset.shown === (what ?? "")) return;
  element.dataset.shown = what ?? "";
  for (const part of element.querySelectorAll("[data-when]")) {
    part.hidden = part.dataset.when !== what;
  }
  const link = element.querySelector("[data-sign-in]");
  // Where something may be half written the way leads through another tab.
  if (link.target !== "_blank") {
    link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  }
  element.hidden = what === null;
}

const isAnother = ({ account }) => {
  const here = visitor()?.dataset.visitor;
  return here !== undefined && here !== account;
};

const hasOtherRole = ({ role }) => {
  const here = visitor()?.dataset.role;
  return here !== undefined && here !== role;
};

const box = () => document.querySelector("[data-signed-out]");
const meta = () => document.querySelector('meta[name="csrf-token"]');
const visitor = () => document.querySelector("[data-visitor]");

addEventListener("focus", () => {
  if (box() && !box().hidden) renewed();
});
