// Ties the wall screen together: the board without any choice, and what a screen that nobody
// touches must do by itself: alarm, keep time, fit, stay awake, begin anew.

import { Board } from "./board.js";
import { ServerClock } from "./clock.js";
import { Connection } from "./connection.js";
import { clock as timeOfDay, seconds } from "./times.js";
import { fitWall } from "./wall.js";
import { Alarm } from "./wall_alarm.js";
import { Reload } from "./wall_reload.js";
import { Sound } from "./wall_sound.js";
import { showSurge } from "./wall_surge.js";
import { ClockCheck, Deadman, Drawing, stayAwake } from "./wall_watch.js";
import { Words } from "./words.js";

const TICK = 1000;
const GIVE_UP = 60; // ticks without a frame drawn, before a new page is tried

const ALL = { filtering: false, municipality: "", accepts: () => true };

const page = document.body.dataset;
const part = (name) => document.querySelector(`[data-${name}]`);
const words = new Words(JSON.parse(page.words));
const clock = new ServerClock(page.serverTime);
const sound = new Sound((allowed) => {
  part("no-sound").hidden = allowed;
});
const alarm = new Alarm(words, clock, sound);
const reload = new Reload(clock, document.querySelector("meta[name=version]").content);
const drawing = new Drawing();
const clockCheck = new ClockCheck();
const deadman = new Deadman(part("deadman"));
const board = new Board({ words, clock, filters: ALL, onError });
let still = 0;
let refused = false;

const connection = new Connection({
  address: `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${page.live}`,
  cursor: page.cursor,
  timing: {
    watchdog: Number(page.watchdogMs),
    retry: Number(page.retryMs),
    retryMax: Number(page.retryMaxMs),
  },
  onFrame,
  onState,
});

function onFrame(frame) {
  if (frame.server_time) {
    clock.sample(frame.server_time);
    alarm.set("clock", clockCheck.saw(frame.server_time, clock.now()));
  }
  if (frame.type === "snapshot") board.replace(frame.rows);
  else if (frame.type === "rows") board.apply(frame.rows);
  if (frame.surge) showSurge(frame.surge, words, clock.now());
  if (frame.live !== false) alarm.heard();
}

function onState({ name, ended }) {
  if (name !== page.link) {
    page.link = name;
    part("link-word").textContent = words.text(`link_${name}`);
    if (name === "live") reload.lookSoon();
  }
  refused = Boolean(ended);
  alarm.set("link", name === "lost");
  alarm.set("refused", refused);
  fitWall();
}

// A board that cannot draw must not look live.
function onError(error) {
  console.error("the board could not be drawn; asking for a snapshot", error);
  connection.restart();
}

function tick() {
  deadman.tick();
  still = drawing.tick() ? still + 1 : 0;
  alarm.set("frozen", still > 0);
  if (still === GIVE_UP) reload.now();
  board.paint();
  alarm.tick();
  keepTime();
  fitWall();
  reload.tick();
}

// The seconds show whoever looks that the screen is alive.
function keepTime() {
  const now = clock.now();
  for (const [name, text] of [["clock", timeOfDay(words, now)], ["seconds", seconds(now)]]) {
    if (part(name).textContent !== text) part(name).textContent = text;
  }
}

onState({ name: "connecting" });
setInterval(tick, TICK);
connection.start();
stayAwake();
tick();
addEventListener("online", () => connection.retryNow());
addEventListener("resize", fitWall);
addEventListener("pagehide", () => connection.stop());
addEventListener("pageshow", (event) => event.persisted && connection.start());
