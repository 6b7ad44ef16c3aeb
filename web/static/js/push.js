// The switch for notices on a unit's page: whether this browser is told when the page is closed.
// It stands in the element [data-push], which names the unit; what it can say is in
// web/words/notify.py. A browser has one subscription for this site, and the server knows for
// which units it is to be used: turning notices off for one unit leaves it to the others.

import { isOff, setHidden, setOff, setText } from "./dom.js";
import { send } from "./send.js";
import { instant, moment } from "./times.js";
import { Words } from "./words.js";

const PATIENCE = 10_000; // milliseconds for the service worker to be ready

// What each state says, and what its button does; without a button nothing can be done here.
const STATES = {
  unsupported: {},
  absent: {},
  blocked: { button: "push_again", press: "look" },
  unsure: { button: "push_again", press: "look" },
  failed: { button: "push_again", press: "allow" },
  full: { button: "push_again", press: "allow" },
  off: { button: "push_allow", press: "allow" },
  on: { button: "push_stop", press: "stop" },
  not_stopped: { button: "push_stop", press: "stop" },
  working: {},
};

class PushSwitch {
  #words;
  #address;
  #memory;
  #text;
  #button;
  #state = "working";
  #key = null;

  constructor(root, words) {
    this.#words = words;
    this.#address = `/api/v1/units/${encodeURIComponent(root.dataset.unit)}/push`;
    this.#memory = `akutoverblik.push.${root.dataset.unit}`;
    const title = document.createElement("h3");
    title.textContent = words.text("push_title");
    this.#text = document.createElement("p");
    this.#text.id = "push-state";
    this.#button = document.createElement("button");
    this.#button.type = "button";
    this.#button.className = "quiet";
    this.#button.hidden = true;
    this.#button.addEventListener("click", () => this.#press());
    root.append(title, this.#text, this.#button);
  }

  async look() {
    this.#show("working");
    this.#show(...(await this.#found()));
  }

  async #press() {
    if (isOff(this.#button)) return;
    this.#text.setAttribute("role", "status"); // from now on it answers what the person did
    const { press } = STATES[this.#state];
    const does = { look: () => this.#found(), allow: () => this.#allow(), stop: () => this.#stop() };
    this.#show("working");
    this.#show(...(await does[press]()));
  }

  #show(state, reached = null) {
    const { button } = STATES[state];
    const last = reached === null ? "" : ` ${this.#reachedText(reached)}`;
    setText(this.#text, this.#words.text(`push_${state}`) + last);
    this.#state = state;
    // Never hidden while it works: whoever pressed it stands on it.
    if (state === "working") setOff(this.#button, true);
    else {
      setOff(this.#button, false);
      setHidden(this.#button, button === undefined);
      if (button) setText(this.#button, this.#words.text(button));
    }
  }

  #reachedText(at) {
    const time = moment(this.#words, at, Date.now());
    return this.#words.text("push_reached", { time });
  }

  // How things stand: [state, when a notice last came].
  async #found() {
    if (!isSupported()) return ["unsupported"];
    const { status, body } = await send("GET", "/api/v1/push/key");
    if (status !== 200) return ["unsure"];
    if (body.key === null) return ["absent"];
    this.#key = body.key;
    if (Notification.permission === "denied") return ["blocked"];
    if (Notification.permission !== "granted") return ["off"];
    const listed = await send("GET", this.#address);
    if (listed.status !== 200) return ["unsure"];
    const subscription = await this.#present().catch(() => null);
    const id = subscription && (await idOf(subscription));
    const known = listed.body.subscriptions.find((each) => each.id === id);
    if (known) return ["on", instant(known.last_reached)];
    // Turned on here and lost elsewhere (a store that was lost, another key): on again.
    return this.#isWanted ? this.#register() : ["off"];
  }

  async #allow() {
    const asked = await Notification.requestPermission();
    if (asked === "denied") return ["blocked"];
    if (asked !== "granted") return ["off"];
    const [state] = await this.#register();
    if (state !== "on") return [state];
    const id = await idOf(await this.#present());
    await send("POST", `${this.#address}/${id}/test`);
    return this.#found();
  }

  async #register() {
    const subscription = await this.#subscription().catch((error) => {
      console.info("this browser could not subscribe", error);
      return null;
    });
    if (subscription === null) return ["failed"];
    const body = { ...subscription.toJSON(), lang: document.documentElement.lang };
    const { status } = await send("POST", this.#address, { body });
    if (status === 409) return ["full"];
    if (status === 0 || status >= 500) return ["unsure"];
    if (status !== 201) return ["failed"];
    this.#isWanted = true;
    return ["on"];
  }

  async #stop() {
    this.#isWanted = false;
    const subscription = await this.#present().catch(() => null);
    if (subscription === null) return ["off"];
    const { status } = await send("DELETE", `${this.#address}/${await idOf(subscription)}`);
    if (status === 0 || status >= 500) return ["unsure"];
    return [status === 200 ? "off" : "not_stopped"];
  }

  // Whether notices of this unit were turned on in this browser, as far as it remembers.
  get #isWanted() {
    try {
      return localStorage.getItem(this.#memory) !== null;
    } catch {
      return false; // storage is shut off: then nothing is remembered
    }
  }

  set #isWanted(wanted) {
    try {
      if (wanted) localStorage.setItem(this.#memory, "on");
      else localStorage.removeItem(this.#memory);
    } catch (error) {
      console.info("that notices are on will not be remembered here", error);
    }
  }

  // The browser's subscription, if it is for the server's present key; one for another is of no use.
  async #present() {
    const { pushManager } = await workerReady();
    const subscription = await pushManager.getSubscription();
    if (subscription === null) return null;
    if (text64(subscription.options.applicationServerKey) === this.#key) return subscription;
    await subscription.unsubscribe();
    return null;
  }

  async #subscription() {
    const present = await this.#present();
    if (present !== null) return present;
    const { pushManager } = await workerReady();
    return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: this.#key });
  }
}

function isSupported() {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

async function workerReady() {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error("the service worker is not ready")), PATIENCE);
  });
  return Promise.race([navigator.serviceWorker.ready, late]);
}

// What stands for a subscription's secret address everywhere; capacity/board/subscriptions.py.
async function idOf({ endpoint }) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  const bytes = [...new Uint8Array(digest)].slice(0, 16);
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function text64(buffer) {
  if (!buffer) return "";
  const plain = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const root = document.querySelector("[data-push]");
// A page out of the service worker's store is told by main.js to reload once there is a network.
if (root && !("shell" in document.body.dataset)) {
  const words = new Words(JSON.parse(document.body.dataset.words));
  const shown = new PushSwitch(root, words);
  shown.look();
  navigator.permissions
    ?.query({ name: "notifications" })
    .then((permission) => permission.addEventListener("change", () => shown.look()))
    .catch((error) => console.info("a change of permission will not be seen", error));
}
