// The service worker of the units' phone pages, served as /sw.js with two lines before this text:
//   const VERSION  what the shell is made of, in one word: it changes when any part of it does
//   const FILES    the addresses of the shell's static files
//
// It keeps a *shell*: the page of a unit without any figure, and what that page needs to run, so
// that it opens without a network and can keep a tap. It never keeps figures: nothing under /api/
// and no page with a row in it. A page that came from the network gets its files from the network;
// only a page that came from here gets them from here, so that the two are never mixed.

const PREFIX = "akutoverblik-shell-";
const CACHE = PREFIX + VERSION;
const PAGE = /^\/unit\/[^/]+$/;
const PATIENCE = 6_000; // milliseconds for a network that is there but does not answer

const fromShell = new Set(); // the client ids of pages that were opened from the shell

// --- the shell -------------------------------------------------------------------------------

addEventListener("install", (event) => {
  event.waitUntil(install().then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(cleanUp().then(() => clients.claim()));
});

async function install() {
  const cache = await caches.open(CACHE);
  await Promise.all(FILES.map((file) => keepFile(cache, file)));
  for (const address of await knownPages()) await keepPage(cache, address);
}

// The server calls a file immutable only when asked for it by its present version: after an
// upgrade in the middle of this, another worker is on its way and this one must not be finished.
async function keepFile(cache, file) {
  const answer = await fetch(file, { cache: "reload" });
  if (!answer.ok || !answer.headers.get("Cache-Control")?.includes("immutable")) {
    throw new Error(`not of this version: ${file}`);
  }
  await cache.put(new URL(file, location).pathname, answer);
}

// A unit's page without figures, in the language it was last read in. Not being able to is no
// failure: without it the page does not open offline, with an old one it would be wrong.
async function keepPage(cache, address) {
  const url = new URL(address, location);
  const answer = await fetch(shellOf(url), { cache: "no-store" }).catch(() => null);
  const good = answer?.ok && !answer.redirected && answer.headers.get("Shell-Version") === VERSION;
  if (good) await cache.put(url.pathname, answer);
  else await cache.delete(url.pathname);
}

function shellOf(url) {
  return `${url.pathname}/shell${url.search}`;
}

// The pages that the version before had kept: it must not be asked for them itself, for it is old.
async function knownPages() {
  const found = new Set();
  for (const name of await ours()) {
    const cache = await caches.open(name);
    for (const { url } of await cache.keys()) {
      const { pathname } = new URL(url);
      if (PAGE.test(pathname)) found.add(pathname);
    }
  }
  return found;
}

async function cleanUp() {
  const old = (await ours()).filter((name) => name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

async function ours() {
  return (await caches.keys()).filter((name) => name.startsWith(PREFIX));
}

// A page that was read asks that it be kept; one whose reader has left asks that it be dropped. A
// worker that still waits for the one before it is asked to go on.
addEventListener("message", (event) => {
  const { keep, takeOver } = event.data ?? {};
  if (takeOver) event.waitUntil(skipWaiting());
  if (typeof keep !== "string" || !PAGE.test(new URL(keep, location).pathname)) return;
  event.waitUntil(caches.open(CACHE).then((cache) => keepPage(cache, keep)));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && PAGE.test(url.pathname)) {
    event.respondWith(page(event, url));
  } else if (url.pathname.startsWith("/static/") && fromShell.has(event.clientId)) {
    event.respondWith(file(request, url));
  }
});

async function page(event, url) {
  const cache = await caches.open(CACHE);
  const shell = await cache.match(url.pathname);
  if (!shell) return fetch(event.request);
  // A server that answers "not now" has no figures either, and the shell can keep a tap.
  const signal = AbortSignal.timeout(PATIENCE);
  const answer = await fetch(event.request, { signal }).catch(() => null);
  if (answer && answer.status < 500) return answer;
  fromShell.add(event.resultingClientId);
  return shell;
}

async function file(request, url) {
  const cache = await caches.open(CACHE);
  return (await cache.match(url.pathname)) ?? fetch(request);
}

// --- Web Push --------------------------------------------------------------------------------

// What is shown comes ready-made, in the reader's language, encrypted to this browser; see
// web/notify/messages.py. `tag` is what it is about: a later one takes the place of an earlier.
addEventListener("push", (event) => {
  event.waitUntil(notify(event.data));
});

async function notify(data) {
  const told = readPush(data);
  const { tag } = told;
  if (told.kind === "ended" && !(await isStillNeeded(tag))) return;
  await registration.showNotification(told.title, {
    body: told.body,
    tag,
    lang: told.lang,
    icon: "/static/icons/any-192.png",
    badge: "/static/icons/maskable-192.png",
    data: { unit: told.unit },
    timestamp: Date.now(),
    ...mannerOf(told.kind),
  });
}

// An ask stays until it is seen to and comes with the noise of a new one; its end is silent.
function mannerOf(kind) {
  if (kind === "ended") return { silent: true };
  const urgent = kind === "ask";
  return { renotify: true, requireInteraction: urgent, vibrate: urgent ? [400, 150, 400] : [200] };
}

// A browser must show something for each push unless its page is in sight, or it says so itself.
async function isStillNeeded(tag) {
  const shown = await registration.getNotifications({ tag });
  if (shown.length > 0) return true;
  const pages = await clients.matchAll({ type: "window" });
  return !pages.some((page) => page.visibilityState === "visible");
}

function readPush(data) {
  try {
    const { kind, unit, tag, title, body, lang } = data.json();
    if (![kind, unit, tag, title, body].every((text) => typeof text === "string" && text)) {
      throw new TypeError("a push that is not whole");
    }
    return { kind, unit, tag, title, body, lang };
  } catch (error) {
    console.warn("a push that could not be read", error);
    return { kind: "test", unit: "", tag: "unread", title: "Akutoverblik", body: "", lang: "da" };
  }
}

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(goTo(event.notification.data?.unit));
});

// The unit's own page where it is open already, else a new one.
async function goTo(unit) {
  const path = unit ? `/unit/${encodeURIComponent(unit)}` : "/units";
  const open = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = open.find((page) => new URL(page.url).pathname === path);
  await (there ? there.focus() : clients.openWindow(path));
}
