// The service worker that lets this page open without a network (static/sw.js), and the page's
// place in it. Only an address of ours is ever trusted as a script, by the one policy of the page.

const WORKER = "/sw.js";
const AGAIN = 5_000; // milliseconds

// `keep` is false on a page that came out of the worker's own store.
export async function startShell(keep) {
  if (!("serviceWorker" in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register(trusted(WORKER), { scope: "/" });
    // Chromium may leave a new worker waiting, for minutes, though it said that it would not: the
    // one before it was at work just then. Asked again it takes over.
    setInterval(() => registration.waiting?.postMessage({ takeOver: true }), AGAIN);
    if (!keep) return;
    // An app that is never closed meets an upgrade all the same; without a network it waits.
    registration.update().catch((error) => console.info("no look for an upgrade", error));
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage({ keep: location.pathname + location.search });
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      navigator.serviceWorker.controller?.postMessage({
        keep: location.pathname + location.search,
      });
    });
  } catch (error) {
    console.info("the page will not open offline", error);
  }
}

function trusted(address) {
  if (!globalThis.trustedTypes) return address;
  const policy = trustedTypes.createPolicy("service-worker", {
    createScriptURL(text) {
      if (text !== WORKER) throw new TypeError("not a worker of ours");
      return text;
    },
  });
  return policy.createScriptURL(address);
}
