// Ties the page together: the server's texts and clock, the live channel, and the board.

import { Board } from "./board.js";
import { ServerClock } from "./clock.js";
import { Connection } from "./connection.js";
import { Filters } from "./filters.js";
import { Link } from "./link.js";
import { clock as timeOfDay } from "./times.js";
import { fitWall } from "./wall.js";
import { Words } from "./words.js";

const TICK = 1000; // ages and staleness move on the server's clock, without any message

const page = document.body.dataset;
const words = new Words(JSON.parse(page.words));
const clock = new ServerClock(page.serverTime);
const link = new Link(words, clock);
const filters = new Filters(words, () => board.paint());
const board = new Board({ words, clock, filters, onError });

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
  if (frame.server_time) clock.sample(frame.server_time);
  if (frame.type === "snapshot") board.replace(frame.rows);
  else if (frame.type === "rows") board.apply(frame.rows);
  if (frame.live !== false) link.heard();
}

function onState(state) {
  link.show(state);
  fit();
}

// A board that cannot draw must not look live.
function onError(error) {
  console.error("the board could not be drawn; asking for a snapshot", error);
  connection.restart();
}

function tick() {
  board.paint();
  link.tick();
  const face = document.querySelector("[data-clock]");
  const time = timeOfDay(words, clock.now());
  if (face && face.textContent !== time) face.textContent = time;
  fit();
}

function fit() {
  if (document.body.classList.contains("wall")) fitWall();
}

link.show({ name: "connecting" });
setInterval(tick, TICK);
connection.start();
tick();
addEventListener("online", () => connection.retryNow());
addEventListener("pagehide", () => connection.stop());
addEventListener("pageshow", (event) => event.persisted && connection.start());
